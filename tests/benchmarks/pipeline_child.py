"""One pipeline, once, in a process of its own: `python -m tests.benchmarks.pipeline_child stock --root …`.

Writes when each node began and ended, and its processor seconds, to a JSON file. With --profile, py-spy watches each node and
leaves its stacks in a folder.
"""

import argparse
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from pipeline import config as configuration
from pipeline.local.progress import Began, Ended, Event
from pipeline.local.root import leave
from tests.benchmarks import pipeline_profile

PIPELINES = ("stock", "nodes", "whole")


class NodeTimes:
    """When each node began and ended, in seconds since 1970, and the processor seconds that it took.

    Those of processes below this one count when they have ended, as a server that the Canary tries has.
    """

    def __init__(self, profiles: Path | None):
        self.times: dict[str, list[float]] = {}
        self._node = ""
        self._profiles = profiles
        self._profiler: subprocess.Popen | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case Began(node):
                self._node = node
                self._profiler = pipeline_profile.watch(self._profiles / f"{node}.txt") if self._profiles else None
                self.times[node] = [time.time(), 0.0, sum(os.times()[:4])]
            case Ended(state):
                began, _, processor = self.times[self._node]
                self.times[self._node] = [began, time.time(), sum(os.times()[:4]) - processor]
                print(f"  {state:<7} {self._node:<18} {time.time() - began:6.1f} s", flush=True)
                if self._profiler:
                    self._profiler.send_signal(signal.SIGINT)
                    self._profiler.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pipeline_child", description=__doc__.splitlines()[0])
    parser.add_argument("pipeline", choices=PIPELINES)
    parser.add_argument("--root", required=True, help="folder for everything that the run writes")
    parser.add_argument("--spans", required=True, help="folder of spans")
    parser.add_argument("--csv", type=Path, required=True, help="folder of the same rows as CSV files")
    parser.add_argument("--span", required=True, help="the newest month")
    parser.add_argument("--window", type=int, required=True, help="in months")
    parser.add_argument("--times", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--profile", type=Path, help="folder for py-spy's stacks")
    options = parser.parse_args()
    overrides = [f"run.root={options.root}", f"data.spans={options.spans}", f"data.window={options.window}"]
    config = configuration.load(overrides=overrides)
    # Measured with what they import, as users wait for it.
    from absl import logging as absl_logging  # noqa: PLC0415
    from tfx.dsl.compiler.constants import PIPELINE_RUN_ID_PARAMETER_NAME  # noqa: PLC0415
    from tfx.orchestration.metadata import sqlite_metadata_connection_config  # noqa: PLC0415
    from tfx.orchestration.portable.runtime_parameter_utils import substitute_runtime_parameter  # noqa: PLC0415

    from pipeline.local import local_dag  # noqa: PLC0415
    from tests.benchmarks import stock_pipeline  # noqa: PLC0415

    match options.pipeline:
        case "stock":
            pipeline = stock_pipeline.stock(config, options.csv)
        case "nodes":
            pipeline = stock_pipeline.same_nodes(config, options.span)
        case _:
            pipeline = stock_pipeline.whole(config, options.span)
    # One name for all: each node runs by itself, and would be a run of its own, whose inputs nobody has made.
    substitute_runtime_parameter(pipeline, {PIPELINE_RUN_ID_PARAMETER_NAME: "benchmark"})
    times = NodeTimes(options.profile)
    absl_logging.set_verbosity(absl_logging.INFO)
    local_dag.in_turn(pipeline, sqlite_metadata_connection_config(str(Path(options.root).absolute() / "metadata.db")), times)
    options.times.write_text(json.dumps(times.times))
    leave(0)


if __name__ == "__main__":
    main()
