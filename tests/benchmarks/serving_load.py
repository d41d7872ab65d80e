"""The local server under an open-loop load, beside calls of the same model in this process with the same batches.

For gRPC and REST, batches of 1 and 32 rows, server-side batching on and off: the rate at which p99 stays below 25 ms, and the
latencies at 25 to 150 % of it. Then memory over five minutes, and a new version that appears under load. The generator runs on
the same cores as the server and takes its share of them. Run: `make bench-serving`, after `make run`.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf
from rich.console import Console
from rich.table import Table
from tensorflow_serving.apis import predict_pb2

from components.canary.server import Server
from components.model_store import store
from components.shared.raw_rows import as_rows
from tests.flights import FEATURES, PROBLEM
from tests.serving.servers import copy_version, serving, state

ROWS = Path("data/flights/spans/2013-04/flights.parquet")
BAR = 0.6  # of the in-process throughput
LEVELS = (0.25, 0.5, 0.75, 1.0, 1.5)
SECONDS = 6.0
MEMORY_SECONDS = 300.0


@dataclass(frozen=True)
class Case:
    """What is asked, and how."""

    protocol: str
    rows: int
    batching: bool

    def __str__(self) -> str:
        return f"{self.protocol}, {self.rows} row{'s' * (self.rows > 1)}, batching {'on' if self.batching else 'off'}"


class Load:
    """Runs the generator, a process of its own, against a server."""

    def __init__(self, folder: Path, columns: dict[str, np.ndarray]):
        self._folder = folder
        for rows in (1, 32):
            part = {name: column[:rows] for name, column in columns.items()}
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = PROBLEM.model, "raw"
            for name, column in part.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(column))
            (folder / f"grpc{rows}").write_bytes(request.SerializeToString())
            (folder / f"rest{rows}").write_text(json.dumps({"signature_name": "raw", "instances": as_rows(part)}))

    def run(self, server: Server, case: Case, rate: float, seconds: float = SECONDS) -> dict:
        """What the generator saw."""
        address = server.grpc if case.protocol == "grpc" else server.rest
        body = self._folder / f"{case.protocol}{case.rows}"
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.open_loop",
            case.protocol,
            address,
            str(body),
            str(rate),
            str(seconds),
        ]
        return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=seconds + 60).stdout)


def in_process(version: Path, columns: dict[str, np.ndarray]) -> dict[int, float]:
    """Calls a second of the model, by the rows of a call."""
    loaded = tf.saved_model.load(str(version))
    call, found = loaded.signatures["raw"], {}
    for rows in (1, 32):
        inputs = {name: tf.constant(column[:rows]) for name, column in columns.items()}
        for _ in range(200):
            call(**inputs)
        start, calls = time.perf_counter(), 0
        while time.perf_counter() - start < SECONDS:
            call(**inputs)["probability"].numpy()
            calls += 1
        found[rows] = calls / (time.perf_counter() - start)
    return found


def good(seen: dict) -> bool:
    """99 of 100 requests are answered in time; one that is refused counts as late."""
    return seen["in time"] >= 0.99


def best_rate(load: Load, server: Server, case: Case, start: float) -> float:
    """The highest rate found that is good, in steps of an eighth."""
    rate = start
    while not good(load.run(server, case, rate)):
        rate /= 1.25
    while good(load.run(server, case, rate * 1.125)):
        rate *= 1.125
    while not good(load.run(server, case, rate)):
        rate /= 1.06
    return rate


def levels(load: Load, server: Server, case: Case, rate: float) -> dict[str, dict]:
    """What is seen at shares of the rate, and back at half of it."""
    seen = {f"{level:.0%}": load.run(server, case, rate * level) for level in LEVELS}
    time.sleep(1)
    return seen | {"50% again": load.run(server, case, rate * 0.5)}


def memory(load: Load, server: Server, case: Case, rate: float) -> list[float]:
    """The resident memory every 10 s under three quarters of the load, megabytes."""
    thread = threading.Thread(target=load.run, args=(server, case, rate * 0.75, MEMORY_SECONDS))
    thread.start()
    found = []
    while thread.is_alive():
        found.append(server.memory()[0])
        thread.join(10)
    return found


def switch(load: Load, version: Path, case: Case, rate: float, models: Path) -> dict:
    """What clients see while a new version is published and the old one goes."""
    copy_version(version, models, 1)
    with serving(models, model=PROBLEM.model) as server:
        seen: dict = {}
        thread = threading.Thread(target=lambda: seen.update(load.run(server, case, rate, 20)))
        thread.start()
        time.sleep(5)
        shutil.copytree(version, models / PROBLEM.model / ".tmp-2")
        (models / PROBLEM.model / ".tmp-2").rename(models / PROBLEM.model / "2")
        thread.join()
        return seen | {"state of 1": state(server, 1), "state of 2": state(server, 2)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving_load", description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=Path("runs/flights/serving"), help="(default: %(default)s)")
    parser.add_argument("--rows", type=Path, default=ROWS, help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/serving_load.json"), help="(default: %(default)s)")
    options = parser.parse_args()
    console = Console(width=150, highlight=False)
    version = store.production(options.models / PROBLEM.model)
    if version is None:
        console.print(f"{options.models} holds no model; `make run` publishes one.")
        return 1
    flights = pd.read_parquet(options.rows).head(32)
    columns = {f.name: flights[f.name].to_numpy(object if f.dtype == "string" else f.dtype) for f in FEATURES}
    limit = in_process(version.folder, columns)
    console.print(
        "In this process: " + ", ".join(f"{calls:,.0f} calls a second of {rows} rows" for rows, calls in limit.items())
    )
    report: dict = {"in process": limit}
    with tempfile.TemporaryDirectory() as scratch:
        load, models = Load(Path(scratch), columns), Path(scratch) / "one"
        copy_version(version.folder, models)
        cases = [Case(*each) for each in product(("grpc", "rest"), (1, 32), (True, False))]
        report["cases"] = {str(case): measured(load, models, case, limit[case.rows], console) for case in cases}
        report["switch"] = {}
        for case in (Case("grpc", 1, True), Case("rest", 1, True)):
            rate = report["cases"][str(case)]["rate"] / 2
            seen = report["switch"][case.protocol] = switch(load, version.folder, case, rate, Path(scratch) / case.protocol)
            console.print(f"A new version under half of the load, {case.protocol}: {seen}")
        with serving(models, model=PROBLEM.model) as server:
            case = Case("grpc", 1, True)
            report["memory"] = memory(load, server, case, report["cases"][str(case)]["rate"])
    console.print(
        f"Memory every 30 s of {MEMORY_SECONDS:.0f} s at 75 %, MB: {', '.join(f'{mb:.0f}' for mb in report['memory'][::3])}"
    )
    show(report["cases"], console)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def measured(load: Load, models: Path, case: Case, limit: float, console: Console) -> dict:
    """The best rate of a case, and what is seen at shares of it."""
    with serving(models, f"--enable_batching={str(case.batching).lower()}", model=PROBLEM.model) as server:
        load.run(server, case, limit * 0.2, 2)
        rate = best_rate(load, server, case, limit * BAR)
        seen = levels(load, server, case, rate)
    console.print(f"{case}: {rate:,.0f} calls a second, {rate / limit:.0%} of {limit:,.0f} in process")
    return {"rate": rate, "of in-process": rate / limit, "levels": seen}


def show(cases: dict[str, dict], console: Console) -> None:
    """The table of rates and latencies."""
    shares = [f"{level:.0%}" for level in LEVELS]
    table = Table(
        "p50 / p99 in ms at", "calls/s", "of limit", *shares, "answered at 150%", "refused", "then 50%", "late", box=None
    )
    for name, found in cases.items():
        seen = found["levels"]
        over = seen["150%"]
        table.add_row(
            *(name, f"{found['rate']:,.0f}", f"{found['of in-process']:.0%}"),
            *(f"{seen[share]['p50']:.1f} / {seen[share]['p99']:.1f}" for share in shares),
            *(f"{over['answered']:,.0f}", f"{over['statuses'].get('RESOURCE_EXHAUSTED', 0):,}"),
            *(f"{seen['50% again']['p99']:.1f}", f"{max(each['late'] for each in seen.values()):.1f}"),
        )
    console.print(table)
    others = {s for found in cases.values() for each in found["levels"].values() for s in each["statuses"]}
    console.print(f"Statuses seen: {', '.join(sorted(others))}. Late: the generator's median delay at the worst level, in ms.")


if __name__ == "__main__":
    sys.exit(main())
