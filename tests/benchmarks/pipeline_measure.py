"""What one pipeline takes: seconds and processor seconds, seconds a node, and the memory of the whole tree of processes."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import memory
from tests.benchmarks.beam_growth import REPOSITORY
from tests.benchmarks.pipeline_rows import Size

SAMPLE_SECONDS = 0.25
TIMES = "times.json"  # in the root of a run that is through
Samples = list[tuple[float, float]]  # seconds since 1970, MB


class RunFailed(RuntimeError):
    """A pipeline did not end well; its log says why."""


@dataclass(frozen=True)
class Inputs:
    """The rows of one size.

    Attributes:
        size: the window.
        rows: in it.
        spans: folder of spans.
        csv: folder of the same rows as CSV files.
    """

    size: Size
    rows: int
    spans: Path
    csv: Path


def measure(pipeline: str, inputs: Inputs, root: Path, profiles: Path | None = None) -> dict:
    """Runs a pipeline on a fresh root.

    Args:
        pipeline: one of `pipeline_child.PIPELINES`.
        inputs: what to run it on.
        root: folder for everything that it writes; must not exist.
        profiles: folder for py-spy's stacks, a file a node; without it nothing watches the run.

    Returns:
        `seconds` and `cpu_seconds` of the process from start to end, `peak_mb` of the tree (the sum of resident memory, what
        processes share counted in each), `import_seconds` until the first node begins, and for each of `nodes` its `seconds`,
        `cpu_seconds` and `peak_mb`.

    Raises:
        RunFailed: with the end of the log.
    """
    root.mkdir(parents=True)
    log, times = root / "output.log", root / TIMES
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.pipeline_child", pipeline, f"--root={root}"]
    command += [f"--spans={inputs.spans}", f"--csv={inputs.csv}", f"--span={inputs.size.span}"]
    command += [f"--window={inputs.size.window}", f"--times={times}"]
    if profiles:
        profiles.mkdir(parents=True, exist_ok=True)
        command.append(f"--profile={profiles}")
    before, start = _cpu_seconds(), time.time()
    with log.open("wb") as output, sampled_memory() as samples:
        code = subprocess.run(command, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    end = time.time()
    if code:
        raise RunFailed(f"{pipeline} on {inputs.rows:,} rows ended with {code}:\n{log.read_text(errors='replace')[-2000:]}")
    measured = json.loads(times.read_text())
    first = min(began for began, _, _ in measured.values())
    nodes = {
        node: {"seconds": ended - began, "cpu_seconds": processor, "peak_mb": peak(samples, began, ended)}
        for node, (began, ended, processor) in measured.items()
    }
    return {
        "pipeline": pipeline,
        "rows": inputs.rows,
        "seconds": end - start,
        "cpu_seconds": _cpu_seconds() - before,
        "peak_mb": peak(samples, start, end),
        "import_seconds": first - start,
        "nodes": nodes,
    }


def is_whole(root: Path) -> bool:
    """Whether a pipeline has run to its end there."""
    return (root / TIMES).exists()


def _cpu_seconds() -> float:
    """Of all processes that this one has waited for, and of those that they have."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def sampled_memory() -> Iterator[Samples]:
    """Fills in the resident memory of all processes below this one while the `with` lasts."""
    samples: Samples = []

    def look() -> None:
        if below := memory.below_this():
            samples.append((time.time(), sum(megabytes for _, megabytes in below)))

    with memory.watched(look, SAMPLE_SECONDS):
        yield samples


def peak(samples: Samples, begin: float, end: float) -> float:
    """The largest one between two moments; if they are closer than two samples, the nearest one."""
    within = [megabytes for moment, megabytes in samples if begin <= moment <= end]
    return max(within) if within else min(samples, key=lambda sample: abs(sample[0] - begin))[1]
