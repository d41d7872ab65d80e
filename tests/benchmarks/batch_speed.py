"""Rows a second of batch scoring, beside the online path: the same model behind the local server on the same machine.

The online path is asked for more than it can answer, one row and 32 rows at a time; what it answers is its throughput. Bar: ten
times the rows a second of single rows. Run: `make bench-batch`, after `make run`.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from rich.console import Console

from components.model_store import store
from serving import batch
from tests.benchmarks.serving_load import Case, Load, in_process
from tests.flights import FEATURES, PROBLEM
from tests.serving.servers import copy_version, serving

REPEATS = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.batch_speed", description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=Path("runs/flights/serving"), help="(default: %(default)s)")
    parser.add_argument("--spans", type=Path, default=Path("data/flights/spans"), help="(default: %(default)s)")
    options = parser.parse_args()
    console = Console(highlight=False)
    version = store.production(options.models / PROBLEM.model)
    if version is None:
        console.print(f"{options.models} holds no model; `make run` publishes one.")
        return 1
    flights = pd.concat(map(pd.read_parquet, sorted(options.spans.glob("*/flights.parquet"))))
    columns = {f.name: flights[f.name].to_numpy(object if f.dtype == "string" else f.dtype) for f in FEATURES}
    limit = in_process(version.folder, columns)
    online = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        load = Load(folder, columns)
        copy_version(version.folder, folder)
        with serving(folder, model=PROBLEM.model) as server:
            for rows in (1, 32):
                cases = [Case(protocol, rows, batching=True) for protocol in ("grpc", "rest")]
                online[rows] = max(load.run(server, case, limit[rows])["answered"] for case in cases) * rows
                console.print(f"Online, {rows} row{'s' * (rows > 1)} a request: {online[rows]:,.0f} rows a second")
        flights.to_parquet(folder / "rows.parquet", index=False)
        given = ["--input", str(folder / "rows.parquet"), "--model", str(version.folder), "--output"]
        for number in range(REPEATS):
            start = time.perf_counter()
            if batch.main([*given, str(folder / f"{number}.parquet")]):
                return 1
            speed = len(flights) / (time.perf_counter() - start)
            ratios = f"{speed / online[1]:.0f} times single rows, {speed / online[32]:.1f} times requests of 32"
            console.print(f"Batch, {len(flights):,} rows, loading and files included: {speed:,.0f} rows a second: {ratios}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
