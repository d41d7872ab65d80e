"""Seconds a step of GPipe against the number of micro-batches, beside what its paper's bubble leaves to be had.

Two stages on two logical devices of the CPU, each operation on one thread. What limits it here: TensorFlow gives all logical
devices one pool of threads, so a free core takes whatever is ready, of any stage. With one micro-batch both cores already share
the backward pass, whose gradients by weights and by inputs do not wait for each other; with two they are busy ("cores busy"),
and more of them only add overhead. So this does not measure the bubble: the ideal is that of stages with a device each.
Run: `make bench-gpipe`.
"""

import json
import statistics
import time
from pathlib import Path

import keras
import tensorflow as tf
from rich.console import Console
from rich.table import Table

from pipeline.model import gpipe, loops

STAGES, MICRO_BATCHES, STEPS = 2, [1, 2, 4, 8, 16], 7
ROWS, WIDTH, LAYERS = 2048, 1024, 6
OUT = Path("runs/benchmarks/gpipe.json")


def parts() -> list[keras.Model]:
    """A chain whose halves cost about the same."""
    first = keras.Input((WIDTH,), name="columns")
    chain = [keras.Model({"columns": first}, keras.layers.Dense(WIDTH, activation="relu")(first))]
    for _ in range(LAYERS - 2):
        inputs = keras.Input((WIDTH,))
        chain.append(keras.Model(inputs, keras.layers.Dense(WIDTH, activation="relu")(inputs)))
    inputs = keras.Input((WIDTH,))
    hidden = keras.layers.Dense(WIDTH, activation="relu")(inputs)
    return [*chain, keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))]


def seconds_a_step(micro_batches: int, devices: list[str], batch: tuple) -> tuple[float, float]:
    """Of the clock, and of all cores together; medians over STEPS, after two that warm up."""
    model = gpipe.GPipe(parts(), devices, micro_batches, keras.optimizers.SGD)
    step = loops.on_replicas(model, lambda *pieces: tf.reduce_sum(model.descend(*pieces)[0]))
    clock, cores = [], []
    for _ in range(STEPS + 2):
        begun, used = time.perf_counter(), time.process_time()
        float(step(batch))
        clock.append(time.perf_counter() - begun)
        cores.append(time.process_time() - used)
    return statistics.median(clock[2:]), statistics.median(cores[2:])


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(STAGES)
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * STAGES)
    random = tf.random.Generator.from_seed(1)
    features = {"columns": random.normal((ROWS, WIDTH))}
    batch = loops.with_share(features, tf.cast(random.uniform((ROWS,)) > 0.5, tf.int64))
    rows = []
    for count in MICRO_BATCHES:
        seconds, cores = seconds_a_step(count, [f"/cpu:{index}" for index in range(STAGES)], batch)
        # M + K - 1 turns, each of a micro-batch in a stage: 1 / M of the rows through 1 / K of the layers.
        ideal = (count + STAGES - 1) / (count * STAGES)
        bubble = (STAGES - 1) / (count + STAGES - 1)
        rows.append(
            {"micro_batches": count, "seconds": seconds, "relative": seconds / (rows[0]["seconds"] if rows else seconds)}
        )
        rows[-1] |= {"ideal": ideal, "bubble": bubble, "cores_busy": cores / seconds}
    table = Table("micro-batches", title=f"{STAGES} stages, {ROWS} rows of {WIDTH}, {LAYERS} layers")
    for name in ("seconds a step", "relative", "ideal (M+K-1)/(MK)", "bubble (K-1)/(M+K-1)", "cores busy"):
        table.add_column(name, justify="right")
    figures = ("seconds", "relative", "ideal", "bubble", "cores_busy")
    for row in rows:
        table.add_row(str(row["micro_batches"]), *(f"{row[name]:.3f}" for name in figures))
    Console().print(table)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
