"""The tests' own problem with another question: what becomes of a parcel (one of three), or what its way costs (a number)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.problem import Kind
from tests import neutral

CLASSES = ["kept", "exchanged", "returned"]
LABELS = {"multiclass": "outcome", "regression": "cost"}
EVALUATE = {
    "multiclass": "min_accuracy = 0.3\nmax_accuracy_drop = 1.0",
    "regression": "max_rmse = 1000.0\nmax_rmse_rise = 10.0",
}
WORDS = {
    "multiclass": 'answer = "what becomes of it"',
    "regression": 'answer = "cost"\nunit = "EUR"',
}
OF_YES = ("event", "yes", "above", "below", "positive", "negative")  # words that a probability of yes has


def write(folder: Path, task: str, **options) -> Path:
    """Write a problem folder as `neutral.write` does, with the label of a task."""
    neutral.write(folder, options.pop("names", neutral.without(Kind.SHARE)), **options)
    _settings(folder / "problem.toml", task)
    _schema(folder / "schema.pbtxt", task)
    for path in (folder / "spans").glob("*/*.parquet"):
        rows = pd.read_parquet(path)
        rows.drop(columns=neutral.LABEL).assign(**{LABELS[task]: labels(rows, task)}).to_parquet(path, index=False)
    return folder


def labels(rows: pd.DataFrame, task: str) -> np.ndarray:
    """Make labels that depend on shop, price, distance and gift, with noise; rows from one seed are labelled alike."""
    random = np.random.default_rng(len(rows))
    by_shop = rows["shop"].map({"books": -1.0, "shoes": 1.0, "toys": 0.0, "garden": -0.5, "stamps": 0.5}).to_numpy()
    price = rows["price"].fillna(20).to_numpy()
    if task == "regression":
        return (3 + 2 * by_shop + 0.01 * rows["distance"] + 0.1 * price + random.normal(0, 1, len(rows))).to_numpy().round(2)
    log_odds = np.stack([1 - by_shop, 0.02 * (price - 20) + 0 * by_shop, by_shop - rows["gift"].to_numpy()], axis=1)
    return np.array(CLASSES, object)[(log_odds + random.gumbel(size=log_odds.shape)).argmax(axis=1)]


def _settings(path: Path, task: str) -> None:
    kept = [line for line in path.read_text().splitlines() if not line.startswith(tuple(f"{word} =" for word in OF_YES))]
    text = "\n".join(kept).replace("min_auc = 0.5\nmax_auc_drop = 1.0", EVALUATE[task])
    classes = f"\nclasses = {json.dumps(CLASSES)}" if task == "multiclass" else ""
    text = text.replace(f'label = "{neutral.LABEL}"', f'task = "{task}"\nlabel = "{LABELS[task]}"{classes}')
    path.write_text(text.replace("[problem.words]", f"[problem.words]\n{WORDS[task]}") + "\n")


def _schema(path: Path, task: str) -> None:
    schema = text_format.Parse(path.read_text(), schema_pb2.Schema())
    [label] = [feature for feature in schema.feature if feature.name == neutral.LABEL]
    label.name = LABELS[task]
    label.ClearField("domain_info")
    if task == "regression":
        label.type = schema_pb2.FLOAT
    else:
        label.type, label.domain = schema_pb2.BYTES, label.name
        schema.string_domain.add(name=label.name, value=CLASSES)
    path.write_text(text_format.MessageToString(schema))
