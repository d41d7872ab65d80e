"""`pipeline.local_runner` as users start it: how soon it answers and begins, and what a run on unchanged inputs costs."""

import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.beam_growth import REPOSITORY
from tests.benchmarks.pipeline_measure import Inputs, RunFailed

COMMAND = [sys.executable, "-m", "pipeline.local_runner"]
HELP_RUNS = 5
NODE = re.compile(r"\s*(done|cached|skipped) +(\w+) +([\d.]+) s")
ALWAYS_RUN = {"Publisher", "MobilePublisher", "RunReport"}  # a cached push would claim a version that may be gone


def help_seconds() -> float:
    """Of `--help`, the median."""
    seconds = []
    for _ in range(HELP_RUNS):
        start = time.perf_counter()
        subprocess.run([*COMMAND, "--help"], cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def three_runs(inputs: Inputs, root: Path) -> list[dict]:
    """Runs one span three times. The first publishes; so the second has another model in production, the third nothing new.

    Returns:
        For each run its `seconds`, `first_node` (seconds until the first node began), `cached` nodes, and `ran`: the others,
        each with its seconds.

    Raises:
        RunFailed: a run ended with an error.
    """
    command = [*COMMAND, f"--root={root}", f"--span={inputs.size.span}", f"--set=data.spans={inputs.spans}"]
    return [_run([*command, f"--set=data.window={inputs.size.window}"]) for _ in range(3)]


def _run(command: list[str]) -> dict:
    found: dict = {"cached": [], "ran": {}}
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if not (node := NODE.match(line)):
                continue
            state, name, seconds = node.groups()
            found.setdefault("first_node", time.perf_counter() - start - float(seconds))
            if state == "cached":
                found["cached"].append(name)
            else:
                found["ran"][name] = float(seconds)
    if process.returncode:
        raise RunFailed(f"{' '.join(command)} ended with {process.returncode}:\n{''.join(lines)[-2000:]}")
    return found | {"seconds": time.perf_counter() - start}
