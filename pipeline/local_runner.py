"""Runs the whole pipeline on this machine, for the oldest span that was not run yet."""

import argparse
import datetime
import os
import sys
import time
import traceback
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from components.errors import BadData, CrosswindError, DataRejected, NodeFailed, SpanNotFound, exit_code
from components.span_example_gen import spans
from pipeline import beam
from pipeline import config as configuration
from pipeline.checkout import git_commit
from pipeline.config import Config
from pipeline.outcome import Outcome
from pipeline.root import leave


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 when the run came to a decision or there was nothing to run, 2 for a wrong setting, 3 when the data were
    refused, else 1."""
    options = parse(arguments)
    # Its own descriptor: standard output goes to the log while the pipeline runs.
    console = Console(file=os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8"))
    code = 0
    try:
        config = configuration.load(options.config, options.set + ([f"run.root={options.root}"] if options.root else []))
        result = run(config, options.span, options.verbose, console)
    except CrosswindError as error:
        console.print(f"[red bold]{type(error).__name__}:[/] ", end="")
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        code = exit_code(error)
        result = Outcome(
            span=options.span or "",
            outcome="data_rejected" if isinstance(error, BadData | DataRejected) else "failed",
            reason=str(error),
        )
    except KeyboardInterrupt:
        console.print("Interrupted. The next run goes on behind the last finished node.")
        return 130
    if options.json and result:
        options.json.write_text(result.model_dump_json() + "\n", encoding="utf-8")
    return code


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline.local_runner", description=__doc__)
    parser.add_argument("--span", help="month to run, such as 2013-07 (default: the oldest that was not run yet)")
    parser.add_argument("--root", help="folder for everything that the run writes (default: run.root of the configuration)")
    parser.add_argument("--config", type=Path, default=configuration.DEFAULT_FILE, help="configuration (default: %(default)s)")
    parser.add_argument(
        "--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="override a setting; repeatable"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what came of the run to FILE")
    parser.add_argument("--verbose", action="store_true", help="show the logs instead of keeping them in a file")
    return parser.parse_args(arguments)


def run(config: Config, span: str | None, verbose: bool, console: Console) -> Outcome | None:
    """Runs one span and prints what came of it; None if every span was run. Raises CrosswindError."""
    from pipeline import root  # noqa: PLC0415 (here and below: --help must not wait for what a run needs)

    folder = Path(config.run.root).absolute()
    with ExitStack() as stack:
        stack.enter_context(root.claimed(folder))
        span = span or next_span(config)
        if span is None:
            console.print(
                f"Every span in {config.data.spans} was run. Add a month, or pick one to run again with --span.", soft_wrap=True
            )
            return None
        window = spans.window(span, config.data.window)
        spans.files(Path(config.data.spans), window)
        console.print(f"[bold]Crosswind[/] runs {window[0]} to {window[-1]} in {folder}", highlight=False)
        name = f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{span}"
        page = folder / "reports" / name / "index.html"
        if not verbose:
            log = folder / "logs" / f"{name}.log"
            console.print(f"Log: {log}", highlight=False, soft_wrap=True)
            stack.enter_context(root.output_to(log))
        start = time.monotonic()
        try:
            execute(config, span, console, name)
        except CrosswindError:
            _point_to(page, console)
            raise
        from pipeline import outcome, record, summary  # noqa: PLC0415

        outputs = record.last_run(folder / "metadata.db")
        result = outcome.of(span, outputs, time.monotonic() - start)
        summary.show(console, outputs, result, next_span(config))
        _point_to(page, console)
        return result


def _point_to(page: Path, console: Console) -> None:
    if page.exists():
        console.print(f"Report: {page}", highlight=False, soft_wrap=True)


def execute(config: Config, span: str, console: Console, name: str, trials: int = 0) -> None:
    """Runs the nodes, or those up to a Tuner of so many trials.

    Args:
        config, span: what to run.
        console: gets a line a node.
        name: of the run, in ML Metadata and among the reports.
        trials: of the Tuner; 0: no Tuner.

    Raises:
        CrosswindError: a setting makes no sense here, or a node said what is wrong; NodeFailed if it did not.
    """
    from pipeline.progress import NodeProgress  # noqa: PLC0415

    beam.check_here(config.beam)
    progress = NodeProgress(console)
    try:
        from absl import logging  # noqa: PLC0415

        from pipeline import local_dag  # noqa: PLC0415
        from pipeline.dag import check_schema, create_pipeline  # noqa: PLC0415
        from pipeline.model import distribution  # noqa: PLC0415

        # Devices are settled when TensorFlow starts, and what is missing is better said before the first node.
        distribution.create(config.train.strategy, config.train.devices, config.train.tpu)
        logging.set_verbosity(logging.INFO)
        logging.get_absl_logger().addHandler(progress)
        check_schema(Path(config.data.schema_file))
        pipeline = create_pipeline(config, span, git_commit(), trials)
        local_dag.run(pipeline, name, up_to="Tuner" if trials else None)
    except CrosswindError:
        raise
    except Exception as error:
        traceback.print_exc()
        progress.failed()
        where = progress.failed_node or "The start"
        raise NodeFailed(f"{where} failed: {type(error).__name__}: {error}\nThe traceback is in the log.") from error
    finally:
        progress.close()


def next_span(config: Config) -> str | None:
    """The oldest span that has its whole window and was not run yet, None if every one was. Raises SpanNotFound."""
    from pipeline.pending import pending_spans, whole_spans  # noqa: PLC0415

    if not whole_spans(config):
        raise SpanNotFound(
            f"{config.data.spans} has {', '.join(spans.available(Path(config.data.spans)))}; expected at least "
            f"{config.data.window} months in a row. Add months, or make data.window smaller."
        )
    return next(iter(pending_spans(config)), None)


if __name__ == "__main__":
    leave(main())
