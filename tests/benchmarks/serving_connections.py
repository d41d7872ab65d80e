"""The local server under a closed-loop load: what 1 to 200 connections get answered, each with one request of a row under way.

Every number of connections is measured in turn, in several rounds, so that a busy moment of the machine hits them all alike;
the median counts. The generator runs on the same cores as the server. Run: `make bench-connections`, after `make run`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import psutil  # type: ignore[import-untyped]
from rich.console import Console
from rich.table import Table

from components.canary.server import Server
from components.model_store import store
from tests.benchmarks.serving_load import Load
from tests.flights import FEATURES, PROBLEM
from tests.serving.servers import copy_version, serving

ROWS = Path("data/flights/spans/2013-04/flights.parquet")
CONNECTIONS = (1, 4, 8, 16, 50, 100, 200)
HELD = (50, 200)  # at which the goodput must be held
BAR = 0.9  # of the best


def measured(server: Server, protocol: str, body: Path, connections: int, seconds: float) -> dict:
    """What the generator saw, and the server's resident memory after it and its processor time for an answer."""
    address = server.grpc if protocol == "grpc" else server.rest
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.closed_loop",
        protocol,
        address,
        str(body),
        str(connections),
        str(seconds),
    ]
    before = processor_seconds(server)
    seen = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=seconds + 120).stdout)
    cost = (processor_seconds(server) - before) / max(seen["requests"], 1)
    return seen | {"memory": server.memory()[0], "cost": cost * 1e3}


def processor_seconds(server: Server) -> float:
    """What the server's process has used so far: tells what others on the machine cannot disturb."""
    return sum(psutil.Process(server.process.pid).cpu_times()[:2])


def medians(rounds: list[dict]) -> dict:
    """Of all that is a number, and the statuses that were seen."""
    numbers = {name: statistics.median(each[name] for each in rounds) for name in rounds[0] if name != "statuses"}
    return numbers | {"statuses": sorted({status for each in rounds for status in each["statuses"]})}


def show(found: dict[str, dict[int, dict]], console: Console) -> bool:
    """Prints the table. Returns whether the bar is met."""
    table = Table(
        "", "connections", "answered/s", "of the best", "p50 ms", "p99 ms", "CPU ms", "memory MB", "statuses", box=None
    )
    met = True
    for protocol, seen in found.items():
        best = max(each["answered"] for each in seen.values())
        for connections, each in seen.items():
            share = each["answered"] / best
            met &= share >= BAR or connections not in HELD
            table.add_row(
                *(protocol, f"{connections}", f"{each['answered']:,.0f}", f"{share:.0%}", f"{each['p50']:.1f}"),
                *(f"{each['p99']:.1f}", f"{each['cost']:.2f}", f"{each['memory']:.0f}", ", ".join(each["statuses"])),
            )
    console.print(table)
    held = " and ".join(map(str, HELD))
    console.print(f"At {held} connections {BAR:.0%} of the best goodput {'is' if met else 'is NOT'} held.")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving_connections", description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=Path("runs/flights/serving"), help="(default: %(default)s)")
    parser.add_argument("--rows", type=Path, default=ROWS, help="(default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/benchmarks/serving_connections.json"), help="(default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    options = parser.parse_args()
    console = Console(width=150, highlight=False)
    version = store.production(options.models / PROBLEM.model)
    if version is None:
        console.print(f"{options.models} holds no model; `make run` publishes one.")
        return 1
    flights = pd.read_parquet(options.rows).head(32)
    columns = {f.name: flights[f.name].to_numpy(object if f.dtype == "string" else f.dtype) for f in FEATURES}
    found: dict[str, dict[int, dict]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        Load(Path(scratch), columns)  # writes the requests
        copy_version(version.folder, Path(scratch) / "models")
        for protocol in ("rest", "grpc"):
            with serving(Path(scratch) / "models", model=PROBLEM.model) as server:
                body = Path(scratch) / f"{protocol}1"
                rounds = [
                    {count: measured(server, protocol, body, count, options.seconds) for count in CONNECTIONS}
                    for _ in range(options.rounds)
                ]
            found[protocol] = {count: medians([each[count] for each in rounds]) for count in CONNECTIONS}
    met = show(found, console)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
