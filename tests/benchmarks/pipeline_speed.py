"""The pipeline against stock TFX components, on the same rows: seconds and memory a node at three sizes, and equal results.

Run: `make bench` (an hour and more). Three pipelines in turn, each in a process of its own on a fresh root: the stock
components, ours with the same nodes, ours whole. What the first two made is compared by value, and a difference is an error. A
bar that is missed is none: this may be a slow machine. Each result is saved as it comes, and a benchmark that was interrupted
goes on.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from pipeline import config as configuration
from pipeline.shared.checkout import git_commit
from tests.benchmarks import pipeline_profile, pipeline_report, pipeline_starts
from tests.benchmarks.beam_growth import REPOSITORY
from tests.benchmarks.pipeline_child import PIPELINES
from tests.benchmarks.pipeline_measure import Inputs, RunFailed, is_whole, measure
from tests.benchmarks.pipeline_rows import SIZES, write_csv, write_spans

CORES = 2
COMPARED = ("stock", "nodes")
FIRST_SIZE = next(iter(SIZES))
PROFILED = ("stock", "whole")
PROFILED_SECONDS = 1.0  # a shorter node is seen too seldom to say anything


class Benchmark:
    """Results so far, and the folder that holds them and all else that is written."""

    def __init__(self, out: Path, console: Console):
        self._folder = out.absolute() / "pipeline_speed"
        self._file = out.absolute() / "pipeline_speed.json"
        self._console = console
        self.results: dict = {"commit": git_commit(), "machine": machine()}
        self.results |= {"runs": [], "equality": {}, "starts": {}, "profiles": {}}
        if self._file.exists():
            saved = json.loads(self._file.read_text())
            if saved["commit"] == self.results["commit"]:
                self.results = saved
            else:
                console.print(f"{self._file} is of commit {saved['commit']}: measured anew.", soft_wrap=True)
                shutil.rmtree(self._folder, ignore_errors=True)

    def inputs(self, name: str) -> Inputs:
        """The rows of a size, written if they are not there yet."""
        config, size = configuration.load(), SIZES[name]
        spans, csv = self._folder / "spans", self._folder / "csv" / name
        rows = write_spans(Path(config.data.spans), spans, size)
        write_csv(spans, size, config.data.eval_days, csv)
        return Inputs(size, rows, spans, csv)

    def run(self, size: str, pipelines: list[str], repeats: int) -> None:
        """Measures what was not measured yet, in turn, and compares what the last runs made."""
        inputs = self.inputs(size)
        known = {(run["size"], run["pipeline"], run["repeat"]) for run in self.results["runs"]}
        for repeat in range(repeats):
            for pipeline in [name for name in pipelines if (size, name, repeat) not in known]:
                root = self._fresh_root(size, pipeline)
                found = measure(pipeline, inputs, root)
                self.results["runs"].append({"size": size, "repeat": repeat} | found)
                self._save(f"{pipeline}, {inputs.rows:,} rows: {found['seconds']:.1f} s, {found['peak_mb']:,.0f} MB")
                if pipeline not in COMPARED or size in self.results["equality"]:
                    shutil.rmtree(root)
        if set(COMPARED) <= set(pipelines) and size not in self.results["equality"]:
            self._compare(size, inputs)

    def _fresh_root(self, *names: str) -> Path:
        root = self._folder / "roots" / "-".join(names)
        shutil.rmtree(root, ignore_errors=True)
        return root

    def _compare(self, size: str, inputs: Inputs) -> None:
        roots = [self._folder / "roots" / f"{size}-{pipeline}" for pipeline in COMPARED]
        for pipeline, root in zip(COMPARED, roots, strict=True):
            if not is_whole(root):
                measure(pipeline, inputs, self._fresh_root(size, pipeline))
        out, log = self._folder / "equality.json", self._folder / "equality.log"
        command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.pipeline_equality", *map(str, roots), str(out)]
        with log.open("wb") as output:
            code = subprocess.run(command, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
        if code:
            raise RunFailed(f"The comparison ended with {code}:\n{log.read_text(errors='replace')[-2000:]}")
        self.results["equality"][size] = json.loads(out.read_text())
        self._save(f"compared, {size}: {differences(self.results, size)} differences")
        if not differences(self.results, size):  # else somebody wants to look
            for root in roots:
                shutil.rmtree(root)

    def starts(self) -> None:
        """Measures the command line."""
        if not self.results["starts"]:
            root = self._fresh_root("starts")
            runs = pipeline_starts.three_runs(self.inputs(FIRST_SIZE), root)
            self.results["starts"] = {"help_seconds": pipeline_starts.help_seconds(), "runs": runs}
            self._save("starts: measured")
            shutil.rmtree(root)

    def profile(self, pipelines: list[str]) -> None:
        """Watches each node of a run that is not timed."""
        for pipeline in [name for name in PROFILED if name in pipelines and name not in self.results["profiles"]]:
            root, stacks = self._fresh_root("profile", pipeline), self._fresh_root("stacks", pipeline)
            found = measure(pipeline, self.inputs(FIRST_SIZE), root, stacks)
            self.results["profiles"][pipeline] = {
                node: pipeline_profile.read(stacks / f"{node}.txt")
                for node, figures in found["nodes"].items()
                if figures["seconds"] >= PROFILED_SECONDS
            }
            self._save(f"{pipeline}: profiled")
            shutil.rmtree(root)
            shutil.rmtree(stacks)

    def _save(self, line: str) -> None:
        self._console.print(line)
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(self.results, indent=1))
        partial.rename(self._file)


def machine() -> str:
    """Processor, and how many cores are used."""
    [model, *_] = [
        line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return f"{model}, {len(os.sched_getaffinity(0))} cores of {os.cpu_count()}, Linux {platform.release()}"


def differences(results: dict, size: str) -> int:
    """Values that the two pipelines made differently."""
    return sum(each["differences"] for each in results["equality"].get(size, []))


def main() -> int:
    """Returns 1 if a run failed or the pipelines' results differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pipeline_speed", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"), help="folder for results (default: %(default)s)")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES), help="(default: all)")
    parser.add_argument("--pipelines", nargs="+", choices=PIPELINES, default=list(PIPELINES), help="(default: all)")
    parser.add_argument(
        "--runs",
        type=int,
        default=3,
        choices=range(1, 11),
        metavar="N",
        help="of each pipeline at the first size; 1 at others (default: 3)",
    )
    options = parser.parse_args()
    console = Console(width=160, highlight=False)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    options.out.mkdir(parents=True, exist_ok=True)
    benchmark, failed = Benchmark(options.out, console), False
    try:
        pipeline_profile.program()
        for size in options.sizes:
            benchmark.run(size, options.pipelines, options.runs if size == FIRST_SIZE else 1)
        benchmark.starts()
        benchmark.profile(options.pipelines)
    except (RunFailed, pipeline_profile.ProfilerMissing) as error:
        console.print(str(error), markup=False, soft_wrap=True)
        failed = True
    text = pipeline_report.markdown(benchmark.results)
    (options.out / "pipeline_speed.md").write_text(text, encoding="utf-8")
    if benchmark.results["runs"]:
        pipeline_report.plot(benchmark.results, options.out / "pipeline_speed.svg")
    console.print(text, markup=False, soft_wrap=True)
    return int(failed or any(differences(benchmark.results, size) for size in benchmark.results["equality"]))


if __name__ == "__main__":
    sys.exit(main())
