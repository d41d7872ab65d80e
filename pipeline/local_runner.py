"""Run the whole pipeline on this machine, for the oldest span that was not run yet."""

import argparse
import datetime
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from rich.console import Console

from components.shared import metadata_file, spans
from components.shared.command_line import ended, filled
from components.shared.errors import BadConfig, CrosswindError, SpanNotFound, exit_code
from pipeline.config import Config
from pipeline.local import root
from pipeline.local.outcome import ExitName, Outcome
from pipeline.shared import command_line

INTERRUPTED = "Interrupted. The next run resumes after the last finished node."


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: DONE when the run came to a decision or there was nothing to run."""
    parser = command_line.parser("pipeline.local_runner", __doc__)
    parser.add_argument("--span", type=filled, help="to run, such as 2013-07 (default: the oldest that was not run yet)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what came of the run to FILE")
    parser.add_argument("--verbose", action="store_true", help="show the logs instead of keeping them in a file")
    options = parser.parse_args(arguments)
    console = root.terminal()
    return ended(lambda: act(options, console), console, INTERRUPTED)


def act(options: argparse.Namespace, console: Console) -> None:
    """Run, and write the outcome to a file if one is named. Raises CrosswindError."""
    if options.json and not os.access(options.json.absolute().parent, os.W_OK | os.X_OK):
        raise BadConfig(f"--json {options.json}: expected a file in a folder that exists and can be written.")
    result = None
    try:
        result = run(command_line.load(options), options.span, options.verbose, console)
    except CrosswindError as error:
        ending = cast(ExitName, exit_code(error).name.lower())
        result = Outcome(span=options.span or "", outcome=ending, reason=str(error))
        raise
    finally:
        if options.json and result:
            options.json.write_text(result.model_dump_json() + "\n", encoding="utf-8")


def run(config: Config, span: str | None, verbose: bool, console: Console) -> Outcome | None:
    """Run one span and print the outcome; None if none is due. Raises CrosswindError."""
    from pipeline import edited_files  # noqa: PLC0415 (here and below: --help must not wait for what a run needs)
    from pipeline.local.pending import whole_spans  # noqa: PLC0415

    folder = config.root
    if told := edited_files.check(config):
        console.print(told, highlight=False, soft_wrap=True, markup=False)
    with ExitStack() as stack:
        stack.enter_context(root.claimed(folder))
        metadata_file.check(folder / "metadata.db", to_write=True)
        span = span or next_span(config, console)
        if span is None:
            return None
        window = [
            *spans.files(Path(config.data.spans), config.data.unit.window(span, config.data.window), config.data.max_gaps)
        ]
        if span not in whole_spans(config):
            text = f"{span} is not whole yet: what is there is learned, and again if it has changed when it is."
            console.print(text, highlight=False, soft_wrap=True)
        console.print(f"[bold]Crosswind[/] runs {window[0]} to {window[-1]} in {folder}", highlight=False, soft_wrap=True)
        name = f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{span}"
        if not verbose:
            log = folder / "logs" / f"{name}.log"
            console.print(f"Log: {log}", highlight=False, soft_wrap=True)
            stack.enter_context(root.output_to(log))
        from pipeline.local.execution import execute  # noqa: PLC0415

        start = time.monotonic()
        try:
            result, said = execute(config, span, console, name, after=lambda: conclude(config, span, console, start))
            console.file.write(said)
            return result
        finally:
            if (page := folder / "reports" / name / "index.html").exists():
                console.print(f"Report: {page}", highlight=False, soft_wrap=True)


def conclude(config: Config, span: str, console: Console, start: float) -> tuple[Outcome, str]:
    """Return the outcome of the last run, which began at `start`, and what the console is to show."""
    from pipeline.local import outcome, record, summary  # noqa: PLC0415
    from pipeline.local.pending import due  # noqa: PLC0415

    metadata = config.root / "metadata.db"
    outputs = record.last_run(metadata)
    result = outcome.of(span, outputs, time.monotonic() - start, config.named, record.unreported(metadata))
    with console.capture() as captured:
        summary.show(console, config, outputs, result, due(config))
    return result, captured.get()


def next_span(config: Config, console: Console) -> str | None:
    """Find the oldest span that is due, None if there is none, and print what to know of the others. Raises SpanNotFound."""
    from pipeline.local.pending import due, runnable  # noqa: PLC0415

    found = due(config)
    told = found.told(config)
    unit = config.data.unit
    if not runnable(config):
        gaps = f", of which {config.data.max_gaps} may be absent" if config.data.max_gaps else ""
        raise SpanNotFound(
            f"{config.data.spans} has {', '.join(spans.available(Path(config.data.spans), unit))}; expected at least "
            f"{config.data.window} whole {unit}s in a row{gaps}. Add {unit}s, or make data.window smaller. {told}".rstrip()
        )
    if told:
        console.print(told, soft_wrap=True, highlight=False, markup=False)
    if not found.pending:
        console.print(
            f"Every whole {unit} in {config.data.spans} was run. Add the next, or pick one to run again with --span.",
            soft_wrap=True,
        )
        return None
    return found.pending[0]


if __name__ == "__main__":
    root.leave(main())
