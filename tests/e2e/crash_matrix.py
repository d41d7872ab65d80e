"""SIGKILL at random moments in every node of a run that replaces a model in production. An hour: `make test-crash`.

After each kill production must hold whole, verified versions only; the next run must come to its end, and what it publishes
must equal what a run publishes that nobody disturbed. A difference makes the exit code 1.
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from components.model_store import store
from components.shared.files import sha256
from data.flights import build
from tests.conftest import FEW_ROWS, REPOSITORY, command, run, states

NODES = ["ImportSchemaGen", "ProductionModel", "SpanExampleGen", "StatisticsGen", "ExampleValidator", "DataChecks", "DataGate"]
NODES += ["DriftMonitor", "Transform", "Trainer", "Evaluator", "Canary"]
NODES += ["MobileExporter", "MobileEvaluator", "Publisher", "MobilePublisher", "RunReport"]
BEFORE, SPAN = "2013-03", "2013-04"
# So few rows make a poor model: the floors are lowered, so that both months publish.
SETTINGS = ["--set", "evaluate.min_auc=0.4", "--set", "evaluate.max_auc_drop=1.0"]
OUTPUT = Path("runs/benchmarks/crash_matrix.json")
PATIENCE = 300.0  # seconds for a node to be reached
SHORTEST = 0.3  # seconds: of the window of moments in a node that takes none
FOLDERS = ("serving", "mobile")
SAME = ("metrics", "rows", "window", "span", "score_histogram", "version")  # of the manifest, which also has times


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it.

    Attributes:
        node: that it was meant for.
        met: the node that was running.
        seconds: after the node's start.
        versions: of the server's model that were there right behind the kill, each of them verified.
        recovered: seconds of the next run; 0: it failed.
        differences: of its result from the undisturbed one.
    """

    node: str
    met: str
    seconds: float
    versions: list[int]
    recovered: float
    differences: list[str]


class Matrix:
    """The undisturbed run, and the state of its root at the start of each node."""

    def __init__(self, folder: Path):
        self._spans, self._root, self._kept = folder / "spans", folder / "runs", folder / "kept"
        year = build.flights_of_the_year()
        labelled = year[year.late.notna() & (year.date < "2013-05-01")]
        build.write_spans(labelled.groupby(labelled.date.dt.month).sample(FEW_ROWS, random_state=1).sort_index(), self._spans)
        self._finish(BEFORE)
        self._keep("production")
        shown = self._finish(SPAN)
        self.seconds = {
            node: float(seconds) for node, seconds in re.findall(r"^  done +(\w+) +([\d.]+) s", shown, re.MULTILINE)
        }
        self.undisturbed = self.result()
        self._back_to("production")
        for node in NODES:
            self._kill(node, 0.0)
            self._keep(node)

    def kill(self, node: str, seconds: float) -> Kill | None:
        """Kills a run so long after a node's start, and lets the next one finish. None if the node was through by then."""
        self._back_to(node)
        met = self._kill(node, seconds)
        if met is None:
            return None
        versions = self._verified()
        start = time.monotonic()
        try:
            self._finish(SPAN)
        except AssertionError as error:
            return Kill(node, met, seconds, versions, 0.0, [str(error)])
        recovered = time.monotonic() - start
        found = self.result()
        differences = [name for name in found.keys() | self.undisturbed.keys() if found.get(name) != self.undisturbed.get(name)]
        return Kill(node, met, round(seconds, 3), versions, round(recovered, 1), sorted(differences))

    def result(self) -> dict[str, object]:
        """What is published: the facts of each version that must not differ; sums of weights and vocabularies."""
        found: dict[str, object] = {}
        for name in FOLDERS:
            folder = self._root / name / "flight_delay"
            for version in [store.read(folder, number) for number in store.versions(folder)]:
                store.verify(version)
                found |= {f"{name} {version.number}: {fact}": getattr(version.manifest, fact) for fact in SAME}
                for path in sorted(version.folder.rglob("*")):
                    if path.parent.name in ("variables", "assets"):
                        found[f"{name} {version.number}: {path.relative_to(version.folder)}"] = sha256(path)
            found[f"{name}: leftovers"] = [path.name for path in folder.glob(".tmp-*")]
        return found

    def _verified(self) -> list[int]:
        self.result()
        return store.versions(self._root / "serving" / "flight_delay")

    def _finish(self, span: str) -> str:
        done = run("--span", span, *SETTINGS, spans=self._spans, root=self._root)
        assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        assert set(states(done.stdout).values()) <= {"done", "cached"}, done.stdout
        return done.stdout

    def _kill(self, node: str, seconds: float) -> str | None:
        """Returns the node that was running; None if the run had ended."""
        logs = set((self._root / "logs").glob("*"))
        arguments = command("--span", SPAN, *SETTINGS, spans=self._spans, root=self._root)
        process = subprocess.Popen(arguments, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            log = self._reached(node, logs, process)
            time.sleep(seconds)
            over = process.poll() is not None
        finally:
            end(process)
        if over:
            return None
        return re.findall(r"Component (\w+) is running\.", log.read_text(errors="replace"))[-1]

    def _reached(self, node: str, known: set[Path], process: subprocess.Popen) -> Path:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            for log in set((self._root / "logs").glob("*")) - known:
                if f"Component {node} is running." in log.read_text(errors="replace"):
                    return log
            time.sleep(0.005)
        raise AssertionError(f"{node} was not reached: exit code {process.poll()}")

    def _keep(self, name: str) -> None:
        shutil.copytree(self._root, self._kept / name)

    def _back_to(self, name: str) -> None:
        # At the same place: ML Metadata has absolute paths.
        shutil.rmtree(self._root)
        shutil.copytree(self._kept / name, self._root)


def end(process: subprocess.Popen) -> None:
    """Kills a process and all below it, as a power cut would."""
    found = []
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in found:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    process.wait()
    psutil.wait_procs(found)


def kills(matrix: Matrix, nodes: list[str], each: int, seed: int) -> Iterator[Kill]:
    """So many kills for each node, at moments that the seed settles."""
    moments = random.Random(seed)  # noqa: S311 (moments, no secrets)
    for node in nodes:
        window = max(matrix.seconds.get(node, 0.0), SHORTEST)  # a cached node has none
        done = 0
        while done < each:
            if kill := matrix.kill(node, moments.uniform(0, window)):
                done += 1
                yield kill


def show(console: Console, found: list[Kill]) -> None:
    table = Table("node", "kills", "met another", "recovered", "slowest recovery, s", "differences", box=None)
    for node in dict.fromkeys(kill.node for kill in found):
        own = [kill for kill in found if kill.node == node]
        table.add_row(
            node,
            str(len(own)),
            str(sum(kill.met != node for kill in own)),
            str(sum(kill.recovered > 0 for kill in own)),
            f"{max(kill.recovered for kill in own):.1f}",
            str(sum(bool(kill.differences) for kill in own)),
        )
    console.print(table)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.crash_matrix", description=__doc__)
    parser.add_argument("--kills", type=int, default=4, help="in each node (default: %(default)s)")
    parser.add_argument("--nodes", nargs="+", default=NODES, choices=NODES, metavar="NODE", help="(default: all)")
    parser.add_argument("--seed", type=int, default=2013, help="of the moments (default: %(default)s)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        matrix = Matrix(Path(folder))
        for kill in kills(matrix, options.nodes, options.kills, options.seed):
            found.append(kill)
            outcome = "; ".join(kill.differences) or f"recovered in {kill.recovered:.1f} s"
            console.print(f"{kill.node} after {kill.seconds:.2f} s, in {kill.met}, versions {kill.versions}: {outcome}")
            OUTPUT.parent.mkdir(parents=True, exist_ok=True)
            OUTPUT.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n", encoding="utf-8")
    show(console, found)
    return int(any(kill.differences for kill in found))


if __name__ == "__main__":
    sys.exit(main())
