"""Rows a second and memory of the first three Beam nodes at 1, 4 and 16 times the window, on several engines.

Run: `make bench-beam`. The window is January to March 2013; the larger ones repeat its months under other dates. Each node runs
in a process of its own, the driver. Locally it does the work itself; with an engine, workers that a worker pool starts do, and
the driver must need the same memory at every size, for it never holds rows. With Java and Beam's job servers at hand, flink and
spark can be measured too (ARGS="--engines local prism flink").
"""

import argparse
import calendar
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import altair as alt
import pandas as pd
import pyarrow.parquet as pq
from rich.console import Console

from components.shared import spans
from components.shared.units import Unit
from tests import memory
from tests.beam.engines import EngineMissing, engine, require, worker_pool

REPOSITORY = Path(__file__).parent.parent.parent
NODES = ("SpanExampleGen", "StatisticsGen", "Transform")
MONTHS = ("2013-01", "2013-02", "2013-03")
NEWEST = "2014-03"  # a copy of the newest month
SIZES = (1, 4, 16)
LIMIT_SECONDS = 3000
SAMPLE_SECONDS = 0.5
COLUMNS = ["engine", "size", "rows", "node", "seconds", "rows_per_second", "before_mb", "peak_mb", "worker_mb", "engine_mb"]
COLUMNS += ["failed"]
# A word of a process's command line: what it is.
KINDS = {"-m pipeline.beam.worker ": "worker", "/prism ": "engine", "JobServerDriver ": "engine"}


def write_months(real: Path, folder: Path) -> None:
    """The months of the largest window that are not there yet: the real ones in turn, with the dates of the new month."""
    for index, name in enumerate(Unit.MONTH.window(NEWEST, len(MONTHS) * max(SIZES))):
        target = folder / name / "flights.parquet"
        if target.exists():
            continue
        flights = pd.read_parquet(real / MONTHS[index % len(MONTHS)])
        year, month = int(name[:4]), int(name[5:])
        day = pd.to_datetime(flights.date).dt.day.clip(upper=calendar.monthrange(year, month)[1])
        dates = pd.to_datetime({"year": year, "month": month, "day": day})
        target.parent.mkdir(parents=True)
        flights.assign(date=dates.dt.date).to_parquet(target, index=False)


def measure(name: str, settings: list[str], folder: Path, size: int) -> Iterator[dict]:
    """Runs the three nodes on a window; what each took, or why it failed."""
    window = len(MONTHS) * size
    rows = sum(pq.read_metadata(paths[0]).num_rows for paths in spans.files(folder, Unit.MONTH.window(NEWEST, window)).values())
    overrides = [*settings, f"data.spans={folder}", f"data.window={window}"]
    with tempfile.TemporaryDirectory() as outputs:
        for node in NODES:
            case = {"engine": name, "size": size, "rows": rows, "node": node}
            command = [sys.executable, "-m", "tests.beam.nodes", node, outputs, f"--span={NEWEST}"]
            command += [part for override in overrides for part in ("--set", override)]
            with peaks() as others:
                try:
                    done = subprocess.run(
                        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=True
                    )
                except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                    yield case | {"failed": f"{error}: {str(error.stderr)[-2000:]}"}
                    return
            measured = json.loads(done.stdout.splitlines()[-1])
            yield case | measured | others | {"rows_per_second": rows / measured["seconds"]}


@contextmanager
def peaks() -> Iterator[dict[str, float]]:
    """Fills in the largest resident memory of a worker and of the engine, MB, while the `with` lasts."""
    found: dict[str, float] = {}

    def look() -> None:
        for command, megabytes in memory.below_this():
            for word, kind in KINDS.items():
                if word in command:
                    found[f"{kind}_mb"] = max(found.get(f"{kind}_mb", 0.0), megabytes)

    with memory.watched(look, SAMPLE_SECONDS):
        yield found


def markdown(results: pd.DataFrame) -> str:
    """One row an engine, node and size."""
    heads = ["engine", "node", "rows", "seconds", "rows a second", "driver, MB (before)", "worker, MB", "engine, MB"]
    lines = [heads, ["---"] * len(heads)]
    for case in results.sort_values(["engine", "node", "size"]).to_dict("records"):
        found = ["failed", "", "", "", ""]
        if pd.notna(case["seconds"]):
            found = [
                f"{case['seconds']:.1f}",
                f"{case['rows_per_second']:,.0f}",
                f"{case['peak_mb']:,.0f} ({case['before_mb']:,.0f})",
            ]
            found += ["" if pd.isna(case[kind]) else f"{case[kind]:,.0f}" for kind in ("worker_mb", "engine_mb")]
        lines.append([case["engine"], case["node"], f"{case['rows']:,}", *found])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plot(results: pd.DataFrame, path: Path) -> None:
    """Rows a second and the driver's memory against the number of rows, a column a node."""
    base = alt.Chart(results.dropna(subset="seconds")).mark_line(point=True)
    rows = alt.X("rows:Q", title="rows", scale=alt.Scale(type="log"))
    color = alt.Color("engine:N", title="engine")
    column = alt.Column("node:N", title=None, sort=list(NODES))
    speed = base.encode(x=rows, y=alt.Y("rows_per_second:Q", title="rows a second"), color=color, column=column)
    memory = base.encode(x=rows, y=alt.Y("peak_mb:Q", title="peak memory of the driver, MB"), color=color, column=column)
    charts = [chart.properties(width=180, height=160) for chart in (speed, memory)]
    alt.vconcat(*charts, title="The first Beam nodes at 1, 4 and 16 times the window").save(path)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.beam_growth", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"), help="folder for results (default: %(default)s)")
    parser.add_argument(
        "--engines",
        nargs="+",
        default=["local", "prism"],
        choices=["local", "prism", "flink", "spark"],
        help="(default: %(default)s)",
    )
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, choices=SIZES, help="in windows")
    options = parser.parse_args()
    console = Console(width=160, highlight=False)
    try:
        for name in options.engines:
            require(name)
    except EngineMissing as error:
        console.print(str(error), soft_wrap=True, markup=False)
        return 1
    folder = (options.out / "beam_growth").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    write_months(Path("data/flights/spans"), folder / "spans")
    cases = []
    for name in options.engines:
        with ExitStack() as stack:
            settings = stack.enter_context(engine(name, folder / f"{name}.log"))
            if name != "local":
                settings = [*settings, stack.enter_context(worker_pool(folder / f"{name}_workers.log"))]
            for size in options.sizes:
                for case in measure(name, settings, folder / "spans", size):
                    console.print(case)
                    cases.append(case)
    results = pd.DataFrame(cases, columns=COLUMNS).assign(node=lambda table: pd.Categorical(table.node, NODES, ordered=True))
    results.to_json(options.out / "beam_growth.json", orient="records", indent=1)
    (options.out / "beam_growth.md").write_text(markdown(results), encoding="utf-8")
    plot(results, options.out / "beam_growth.svg")
    console.print(markdown(results), soft_wrap=True)
    return int(results.failed.notna().any())


if __name__ == "__main__":
    sys.exit(main())
