"""Examples as SpanExampleGen's executor writes them, and their rows."""

import json

import pandas as pd
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts

from components.span_example_gen.executor import Executor
from tests.beam import nodes
from tests.neutral import COLUMNS, DATE


def ingest(spans, folder, span="2024-02", window=2, eval_days=10, *, ignore=(), missing=(), **told):
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "examples")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=nodes.LOCAL, tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    parameters = {"spans_folder": str(spans), "span": span, "window": window, "eval_days": eval_days, "complete_after_days": 3}
    parameters |= {"unit": "month", "max_gaps": 0, "eval_spans": 0, "eval_share": 0.2}
    lists = {"columns": json.dumps(COLUMNS), "ignore_columns": json.dumps(ignore), "missing": json.dumps(missing)}
    Executor(context).Do({}, {"examples": [examples]}, {**parameters, **lists, "date": DATE, **told})
    return examples


def parse(examples, split) -> pd.DataFrame:
    """The rows of a split, read with TensorFlow alone."""
    files = sorted(tf.io.gfile.glob(f"{examples.uri}/Split-{split}/*"))
    spec = {name: tf.io.VarLenFeature(tf.as_dtype(dtype)) for name, dtype in COLUMNS.items()}
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    parsed = tf.io.parse_example(records, spec)
    columns = {}
    for name in COLUMNS:
        sparse = parsed[name]
        column = pd.Series(index=range(len(records)), dtype="object" if COLUMNS[name] == "string" else "float64")
        column[sparse.indices[:, 0].numpy()] = sparse.values.numpy()
        columns[name] = column.str.decode("utf-8") if COLUMNS[name] == "string" else column
    return pd.DataFrame(columns)
