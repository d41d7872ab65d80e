"""Examples per second of (a) the input pipeline alone, (b) the model's step on a batch in memory, (c) both together.

Bars: (c) at least 0.9 of the smaller of (a) and (b); (a) at least twice (b). Then (c) under the options that a user may turn
on, which is why they are off. Everything in one process, in turn, medians. Run: `make bench-train`.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf
from rich.console import Console
from rich.table import Table
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import RunOptions

from pipeline import config as configuration
from pipeline.dag import create_pipeline
from pipeline.model import hyperparameters, input_data, loops, network, training
from tests.flights import FEATURES

REPEATS = 5
VARIANTS: list[dict] = [
    {},
    {"jit_compile": True},
    {"precision": "mixed_bfloat16"},
    {"batch_size": 1024},
]


@dataclass(frozen=True)
class Speeds:
    """Examples per second, medians."""

    input: float
    step: float
    both: float


def prepared(out: Path, span: str) -> training.Prepared:
    """The transformed examples of a window, made by the pipeline's own nodes."""
    config = configuration.load(overrides=[f"run.root={out / 'train_speed'}"])
    Path(config.run.root).mkdir(parents=True, exist_ok=True)
    LocalDagRunner().run(create_pipeline(config, span), RunOptions(to_nodes=["Transform"]))
    outputs = out / "train_speed" / "artifacts" / "Transform"

    def newest(name: str) -> Path:
        return max((outputs / name).iterdir(), key=lambda folder: int(folder.name))

    examples = newest("transformed_examples")
    files = [[str(examples / f"Split-{split}" / "*")] for split in ("train", "eval")]
    arguments = FnArgs(train_files=files[0], eval_files=files[1], transform_graph_path=str(newest("transform_graph")))
    return training.Prepared.read(arguments)


def measure(data: training.Prepared, jit_compile: bool = False, precision: str = "float32", batch_size: int = 256) -> Speeds:
    """A pass over all rows each, REPEATS times in turn."""
    keras.config.set_dtype_policy(precision)
    settings = hyperparameters.read(Path("data/flights/hyperparameters.json"))
    sizes = {name: len(keys) for name, keys in data.vocabularies.items()}
    rows = len(data.train.label)
    steps = rows // batch_size  # whole batches: XLA compiles a smaller last one anew
    optimizer = training.optimizer(settings, steps, 3, 1)
    model = loops.create(
        tf.distribute.get_strategy(),
        lambda: network.build(FEATURES, settings, sizes),
        optimizer,
        jit_compile=jit_compile,
        unpack=data.train.unpack,
    )
    step = loops.on_replicas(model, lambda *piece: tf.reduce_sum(model.descend(*piece)[0]))
    epochs = input_data.shuffled(data.train, batch_size, seed=1)
    batches = epochs(tf.constant(0)).map(loops.with_share, tf.data.AUTOTUNE).take(steps).prefetch(tf.data.AUTOTUNE)
    one = next(iter(batches))
    step(one)

    def read() -> None:
        for _ in batches:
            pass

    def compute() -> None:
        for _ in range(steps):
            result = step(one)
        result.numpy()

    def train() -> None:
        for batch in batches:
            result = step(batch)
        result.numpy()

    times = [[timed(work) for work in (read, compute, train)] for _ in range(REPEATS + 1)][1:]
    return Speeds(*(steps * batch_size / statistics.median(column) for column in zip(*times, strict=True)))


def timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"))
    parser.add_argument("--span", default="2013-03")
    options = parser.parse_args()
    console = Console(width=120)
    data = prepared(options.out, options.span)
    table = Table("options", title="Thousand examples per second")
    for name in ("(a) input", "(b) step", "(c) both", "(a) / (b)", "(c) / smaller", "(c) / first (c)"):
        table.add_column(name, justify="right")
    results = []
    tf.config.experimental.enable_op_determinism()
    for variant in VARIANTS:
        speeds = measure(data, **variant)
        results.append({"options": variant, **vars(speeds)})
        ratios = [speeds.input / speeds.step, speeds.both / min(speeds.input, speeds.step), speeds.both / results[0]["both"]]
        name = ", ".join(f"{key}={value}" for key, value in variant.items()) or "as configured"
        table.add_row(name, *(f"{value / 1000:.1f}" for value in vars(speeds).values()), *(f"{ratio:.2f}" for ratio in ratios))
    console.print(table)
    (options.out / "train_speed.json").write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
