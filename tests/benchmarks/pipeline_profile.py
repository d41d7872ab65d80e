"""Where a node's time goes: its functions by own time, from the stacks that py-spy has seen."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

SAMPLES_A_SECOND = 40  # each one stops the process for milliseconds: Beam's stacks are deep
SHOWN = 5
# Where threads wait, which py-spy takes for work now and then.
WAITS = ("Condition.wait (threading.py)", "Thread.run (threading.py)", "_serve (grpc/_server.py)")
# What is done below a function: building Beam's graph costs the same for few rows and for many.
PHASES = {
    "building Beam's graph": "Pipeline.apply (",
    "serialising it": "Pipeline.to_runner_api (",
    "running it": "SdkWorker.process_bundle (",
    "tracing TensorFlow's graphs": "func_graph_from_py_func (",
}
FRAME = re.compile(r"(?P<function>.+) \((?P<path>[^()]*?)(:\d+)?\)$")


class ProfilerMissing(RuntimeError):
    """py-spy is not there."""


def program() -> str:
    """py-spy of this environment, or of the machine. Raises ProfilerMissing."""
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    if not (found := shutil.which("py-spy", path=places)):
        raise ProfilerMissing(
            f"py-spy was not found in {places}; expected it in the development environment: run `make setup`."
        )
    return found


def watch(output: Path) -> subprocess.Popen:
    """py-spy on this process; ends at SIGINT, and writes a line a stack: its functions, and how often it was seen."""
    command = [program(), "record", "--pid", str(os.getpid()), "--format", "raw", "--rate", str(SAMPLES_A_SECOND)]
    return subprocess.Popen([*command, "--duration", "unlimited", "--output", str(output)])


def read(stacks: Path) -> dict[str, dict[str, float]]:
    """Where a node's time went.

    Args:
        stacks: py-spy's raw format, a line a stack: its frames, outermost first, and how often it was seen.

    Returns:
        Shares of the samples in which a thread ran: "functions", the `SHOWN` in which the processor was most often, C++ that
        they called included; and "phases", what was done below each of `PHASES`, which overlap.
    """
    own: Counter[str] = Counter()
    phases = Counter(dict.fromkeys(PHASES, 0))
    for line in stacks.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        function = named(stack.split(";")[-1])
        if function not in WAITS:
            own[function] += int(count)
            phases.update({phase: int(count) for phase, marker in PHASES.items() if marker in stack})
    total = own.total() or 1
    return {
        "functions": {name: count / total for name, count in own.most_common(SHOWN)},
        "phases": {name: count / total for name, count in phases.items()},
    }


def named(frame: str) -> str:
    """ "encode (tfx_bsl/coders/example_coder.py)" of a frame with a line number."""
    found = FRAME.match(frame)
    return f"{found['function']} ({found['path']})" if found else frame


def markdown(profiles: dict[str, dict[str, dict[str, dict[str, float]]]]) -> str:
    """A row a node of each pipeline."""
    heads = ["pipeline", "node", *PHASES, "own time of functions"]
    lines = [heads, ["---"] * len(heads)]
    for pipeline, of_nodes in profiles.items():
        for node, found in of_nodes.items():
            functions = ", ".join(f"{share:.0%} `{name}`" for name, share in found["functions"].items())
            lines.append([pipeline, node, *(f"{share:.0%}" for share in found["phases"].values()), functions])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
