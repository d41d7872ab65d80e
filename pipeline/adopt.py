"""Make a problem's folder from a table: decide label, date, spans and features, write them with a schema, and say why."""

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.prompt import Prompt
from rich.text import Text

from components.shared.command_line import ended, quiet_stderr
from components.shared.errors import BadConfig, Exit, listed
from components.shared.errors import shown as shown_text
from components.shared.files import fsync_tree, temporary_folder
from components.shared.problem_folder import shown
from data import DEFAULT_PROBLEM
from pipeline import config as configuration
from pipeline.adoption import boosted, decide, decisions, find, folder, profiles, request, source, told, written
from pipeline.adoption.folder import Adopted
from pipeline.adoption.tasks import TASKS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: DONE when the folder is written."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.adopt", description=__doc__)
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="CSV, Parquet or Arrow: files, folders or globs; or a database"
    )
    parser.add_argument("--name", required=True, type=name, help="of the problem: a folder in data/, and the model's name")
    parser.add_argument("--label", default="", help="column, or SQL such as 'paid > 100 AS large'")
    parser.add_argument("--task", default="", choices=TASKS, help="by default as the label tells")
    parser.add_argument("--positive", default="", metavar="VALUE", help="of the label: the one that is 1")
    parser.add_argument("--date", default="", help="column, or SQL such as 'make_date(year, month, day) AS date', or none")
    parser.add_argument("--keep", action="append", default=[], metavar="COLUMN", help="that would be left out; repeatable")
    parser.add_argument("--leave-out", action="append", default=[], metavar="COLUMN", help="that is no feature; repeatable")
    parser.add_argument("--query", default="", metavar="SQL", help="of a DuckDB or SQLite file: what makes the table")
    parser.add_argument("--table", default="", metavar="NAME", help="of a DuckDB or SQLite file")
    parser.add_argument("--force", action="store_true", help="overwrite the folder of that name")
    parser.add_argument("--review", action="store_true", help="of the folder of that name: write a page that shows it; no FILE")
    parser.add_argument("--into", type=Path, default=DEFAULT_PROBLEM.parent, help="folder of problems (default: data)")
    options = parser.parse_args(arguments)
    if bool(options.files) == options.review:
        parser.error("expected FILE... to make a folder of, or --review of one that is there")
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: (review if options.review else act)(options, console), console)


def name(text: str) -> str:
    """Parse the name of a problem. Raises ArgumentTypeError."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text):
        raise argparse.ArgumentTypeError(f"{text!r}; expected small letters, digits and _, with a letter first.")
    return text


def act(options: argparse.Namespace, console: Console) -> Exit:
    """Write the folder, whole or not at all, and say what was decided. Raises BadConfig and BadData."""
    target = options.into / options.name
    if target.exists() and not options.force:
        raise BadConfig(f"{shown(target)} is there already. Expected another --name, or --force to overwrite it.")
    with temporary_folder(options.into) as work:
        made = work / options.name
        made.mkdir()
        with source.opened(work) as con:
            notes = source.load(con, options.files, work, options.query, options.table)
            old_names = profiles.clean(con)
            say(console, [*notes, *renamed(old_names)])
            new_names = {old: new for new, old in old_names.items()}
            options.keep, options.leave_out = (
                [new_names.get(each, each) for each in given] for given in (options.keep, options.leave_out)
            )
            found = find.find(con, options, old_names, ask)
            say(console, found.notes)
            adopted = decide.decide(con, found, options, ask)
            loosened = write(con, adopted, made, old_names)
        if target.exists():
            target.rename(work / "before")
        made.rename(target)
    say(console, told.lines(adopted, loosened))
    wrote = f"Wrote {shown(target)}/. Look at it (--review --name {options.name}), then: make run PROBLEM={options.name}"
    say(console, [wrote])
    say(console, [compared(target, adopted)])
    return Exit.DONE


def say(console: Console, lines: Iterable[str]) -> None:
    """Print lines: on a terminal they break between words, elsewhere never."""
    for line in lines:
        console.print(told.wrapped(line, console.width) if console.is_terminal else line, markup=False)


def review(options: argparse.Namespace, console: Console) -> Exit:
    """Write the page of a problem's folder. Raises BadConfig, SpanNotFound."""
    folder = options.into / options.name
    if not folder.is_dir():
        raise BadConfig(f"{shown(folder)} is not there. Expected the --name of a problem's folder in {shown(options.into)}.")
    if not find_spec("pipeline.adoption.review"):
        raise BadConfig("--review needs the part of the project that makes reports, which was left out.")
    with quiet_stderr():
        page = import_module("pipeline.adoption.review").write(configuration.load(problem=folder), folder)
    console.print(f"Review: {page}", markup=False)
    return Exit.DONE


def ask(question: str, answers: Sequence[str], proposed: str) -> str:
    """Ask at a terminal: for one of the answers, or for any where none is proposed.

    Raises:
        BadConfig: there is nobody to ask; it has the answers that the flag in the question takes.
    """
    with suppress(EOFError):  # by Ctrl-D
        while sys.stdin.isatty():
            if proposed:
                return Prompt.ask(question, choices=list(answers), default=proposed)
            if answer := Prompt.ask(Text(f"{question} It may be {listed(answers)}")).strip():
                return answer
    raise BadConfig(f"{question} It may be {listed(answers)}. Nobody was there to ask: give the flag.")


def renamed(old_names: dict[str, str]) -> list[str]:
    """Say which columns are called otherwise, since no input of a signature can have their names."""
    told = [f"{shown_text(old)} is {new}" for new, old in old_names.items()]
    return [f"Renamed    {listed(told)}."] if told else []


def write(con: "DuckDBPyConnection", adopted: Adopted, made: Path, old_names: Mapping[str, str]) -> list[str]:
    """Write the folder `made`, and hold it against the code that reads it. Returns what was loosened in the schema."""
    written.write_spans(con, made / "spans", adopted.name)
    folder.write(adopted, made, request.first_of(con, [each.name for each in adopted.chosen]))
    config = configuration.load(problem=made)
    with quiet_stderr():
        from pipeline import edited_files  # noqa: PLC0415 (it reads the schema)
        from pipeline.adoption import schema  # noqa: PLC0415 (fifteen seconds)

        loosened = schema.write(con, adopted, config.problem.columns, made / "schema.pbtxt")
    edited_files.check(config)
    decisions.write(decisions.of(adopted, loosened, old_names), made)
    fsync_tree(made)
    return loosened


def compared(target: Path, adopted: Adopted) -> str:
    """Say what LightGBM reaches on the split that the first run is judged on."""
    span = adopted.periods.first[-1]
    if not (found := boosted.score(configuration.load(problem=target), adopted.target.task, span)):
        return "LightGBM is not installed; with it, adopt says what the model of the first run should reach."
    score, seconds, is_cut = found
    measure = adopted.target.task.measure
    cut = f", ended after {boosted.SECONDS} s" if is_cut else ""
    return (
        f"LightGBM with its defaults has {measure} {score:.4g} on the rows that evaluate the first run, that of {span} "
        f"({seconds:.1f} s{cut}). Its summary says what the network has on the same rows."
    )


if __name__ == "__main__":
    sys.exit(main())
