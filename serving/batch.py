"""Score Parquet files with a published model: every column is kept, and what the model answers is added."""

import argparse
import difflib
import logging
import os
import re
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from components.model_store import store
from components.model_store.signature import Keys, read_keys
from components.shared import problem_folder, table_columns
from components.shared.command_line import ended, filled, quiet_stderr
from components.shared.commands import make, named
from components.shared.errors import BadConfig, BadData, RootUnusable, VersionNotFound
from components.shared.files import TEMPORARY_PREFIX, fsync, temporary_folder
from data import DEFAULT_PROBLEM

BAD_DATA_IN_TRACEBACK = re.compile(r"^components\.shared\.errors\.BadData: (.*?)(?: \[while running '[^']*'\])?$", re.MULTILINE)
DEFAULT_RUNNER = "--runner=FnApiRunner"  # Beam's own default would first try to download a Go binary
JOB_SERVERS = ("FlinkRunner", "PortableRunner", "SparkRunner")
OPTIONS = ("--input", "--output", "--model", "--problem", "--public_key", "--work", "--overwrite")
BEAMS_OPTIONS = "https://beam.apache.org/releases/pydoc/current/apache_beam.options.pipeline_options.html"


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`; the output changes only if it is DONE."""
    parser = argparse.ArgumentParser(prog="python -m serving.batch", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--input",
        action="append",
        required=True,
        help="Parquet file, or folder of them; may be repeated, the rows keep their order",
    )
    parser.add_argument("--output", type=Path, required=True, help="Parquet file to write")
    parser.add_argument("--model", type=Path, help="folder of a version (default: the one in production of the problem)")
    problem_folder.add_option(parser, DEFAULT_PROBLEM)
    parser.add_argument(
        "--public_key", metavar="FILE", type=filled, help="refuse a version that is not signed by a key in this file"
    )
    parser.add_argument(
        "--work",
        help="folder for the parts and a copy of the model, which all workers of a distributed runner reach "
        "(default: by the output, or where TensorFlow cannot load a model from there, the system's folder for temporary files)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    parser.epilog = "Other options are Beam's, such as --runner=FlinkRunner, or --direct_running_mode=multi_processing."
    options, beam = parser.parse_known_args(arguments)
    console = Console(highlight=False, soft_wrap=True, stderr=True)
    return ended(lambda: score(options, [DEFAULT_RUNNER, *beam], console), console)  # the last --runner counts


def score(options: argparse.Namespace, beam: list[str], console: Console) -> None:
    """Score the files and replace the output in one step. Raises CrosswindError."""
    output: Path = options.output
    if output.exists() and not options.overwrite:
        raise BadConfig(f"{output} exists already; expected a new file. Name another one, or say --overwrite.")
    if not output.parent.is_dir():
        raise BadConfig(f"{output.parent} is not a folder; expected one for {output.name}. Make it.")
    logging.getLogger().setLevel(logging.ERROR)  # Beam's remarks about the platform, and about what it leaves out
    check_options(beam)
    version = the_model(options.model, options.problem, read_keys(options.public_key))
    with ExitStack() as stack:
        beside = str(output.parent.absolute())  # where TensorFlow can load a model if it does not take the path for a pattern
        parent = Path(options.work or (tempfile.gettempdir() if set(beside) & set("*?[\\") else beside))
        try:
            work = stack.enter_context(temporary_folder(parent))
            model = work / "model"
            store.copy(version, model)  # what is loaded is what was compared, whoever writes to the published folder meanwhile
        except OSError as error:
            message = f"{version.folder} cannot be copied to {parent}: {error}. Expected a folder with room."
            raise RootUnusable(message) from error
        console.print(f"Scoring with version {version.number} of {version.folder.parent}.", markup=False)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with quiet_stderr():
            from components.shared import answers, tasks  # noqa: PLC0415
            from serving import scoring  # noqa: PLC0415  # TensorFlow and Beam
        asked = scoring.raw_signature(model, version.folder)
        interval = tasks.interval(version.manifest.overall)
        added = answers.names(asked.output, version.manifest.configuration.get("problem", {}).get("classes", []), interval)
        with table_columns.explained(options.problem):
            groups = scoring.row_groups(options.input, asked.inputs, added)
        start = time.monotonic()
        try:
            scoring.score(groups, model, str(work), scoring.Added(added, interval), beam)
        except Exception as error:
            raise (bad_data(error) or error) from error.__cause__
        rows = assemble(sorted(work.glob("*.parquet")), output)
    seconds = time.monotonic() - start
    console.print(f"{rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} a second, to {output}.", markup=False)


def check_options(beam: list[str]) -> None:
    """Raise BadConfig for an option that Beam does not have: Beam would ignore it, a mistyped --public_key too."""
    from apache_beam.options.pipeline_options import PipelineOptions  # noqa: PLC0415

    parsers: list[argparse.ArgumentParser] = []
    PipelineOptions(beam).get_all_options(add_extra_args_fn=parsers.append)  # Beam's own, with the options of all runners
    known, unknown = parsers[0].parse_known_args(beam)
    names = [option.partition("=")[0] for option in unknown if option.startswith("-")]
    if known.runner in JOB_SERVERS:  # which have options of their own: only what looks like one of ours is refused
        unknown = names = [name for name in names if difflib.get_close_matches(name, OPTIONS)]
    if unknown:
        raise BadConfig(
            f"{', '.join(names or unknown)}: there is no such option. Expected one that --help shows, or one of Beam's, which "
            f"{BEAMS_OPTIONS} lists. Correct it, or leave it out."
        )


def the_model(folder: Path | None, problem: Path, keys: Keys) -> store.Version:
    """Find the version to score with, its files not compared yet. Raises CorruptModel, SignatureInvalid, VersionNotFound."""
    if folder is None:
        published = problem_folder.published(problem, "serving")
        version = store.production(published, keys)
        if version is None:
            run = make("run", named(problem, DEFAULT_PROBLEM))
            raise VersionNotFound(f"{published} holds no version; expected one that `{run}` published. Or name --model.")
        return version
    if not folder.name.isdecimal() or not folder.is_dir():
        raise VersionNotFound(f"{folder} is not a version; expected a folder with a number, such as …/serving/<model>/1.")
    return store.read(folder.parent, int(folder.name), keys)


def assemble(parts: list[Path], output: Path) -> int:
    """Join the parts, one at a time, in a file that gets its name when it is whole; return its number of rows."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    temporary = output.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
    rows = 0
    try:
        with pq.ParquetWriter(temporary, pq.read_schema(parts[0])) as writer:
            for part in parts:
                table = pq.read_table(part)
                writer.write_table(table)
                rows += len(table)
        fsync(temporary)
        temporary.rename(output)
        fsync(output.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return rows


def bad_data(error: BaseException | None) -> BadData | None:
    """Return the error that a worker raised. Beam wraps it; from another process only its traceback arrives."""
    while error:
        if isinstance(error, BadData):
            return error
        if said := BAD_DATA_IN_TRACEBACK.search(str(error)):
            return BadData(said[1])
        error = error.__cause__ or error.__context__
    return None


if __name__ == "__main__":
    sys.exit(main())
