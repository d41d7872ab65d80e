"""A candidate of one feature, x, is tried out."""

import json
from pathlib import Path

import tensorflow as tf

from components.canary.executor import try_out
from components.shared.canary_report import CanaryReport
from tests.neutral import TARGET

COLUMNS = {"x": "float32"}


def examples(path: Path, rows: int) -> list[str]:
    """A file of rows in which x counts them."""
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for x in range(rows):
            example = tf.train.Example()
            example.features.feature["x"].float_list.value.append(x)
            writer.write(example.SerializeToString())
    return [str(path)]


def trial(
    model: Path,
    paths: list[str],
    command: list[str],
    limits: dict[str, float],
    *,
    rows: int,
    production: Path = Path("nothing"),
    answer_seconds: float = 60.0,
    load_seconds: float = 120.0,
) -> CanaryReport:
    """`try_out`, in time that a busy machine has."""
    properties = {
        "columns": json.dumps(COLUMNS),
        "target": TARGET.model_dump_json(),
        "command": json.dumps(command),
        "rows": rows,
        "load_seconds": load_seconds,
        "answer_seconds": answer_seconds,
        "limits": json.dumps(limits),
    }
    return try_out(model, production, paths, properties)
