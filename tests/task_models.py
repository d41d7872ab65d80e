"""A model of each other task than the binary one, made in this process and published for servers and for phones.

None is trained: its answers differ from row to row, and that is all that those who ask it need.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from conftest import once

from components.mobile_exporter.convert import quantized, to_tflite
from components.mobile_exporter.executor import feature_card, golden_rows
from components.mobile_exporter.replay import TransformGraph
from components.model_store import contents, store
from components.model_store.manifest import Facts
from components.publisher import warm_up
from components.shared.phone import card
from components.shared.phone.runtime import SIGNATURE, TFLiteModel
from pipeline.model import heads, network
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.model.signatures import ServingModel
from pipeline.problem import Kind, Problem, inputs, of_kind
from serving.server import request_log
from tests import neutral, other_tasks, transforms

ROWS = 200
WORDS = {"multiclass": card.Words(answer="what becomes of it"), "regression": card.Words(answer="cost", unit="EUR")}
INTERVAL = card.Interval(share=0.9, low=-2.5, high=4)


@dataclass(frozen=True)
class TaskModel:
    """A published model. Not to be written to.

    Attributes:
        task: its name.
        serving: folder of models, with version 1 of `parcels`.
        mobile: the phone's versions, with version 1.
    """

    task: str
    serving: Path
    mobile: Path

    @property
    def folder(self) -> Path:
        """The server's version."""
        return self.serving / neutral.PROBLEM.model / "1"

    @property
    def file(self) -> Path:
        """The phone's file."""
        return self.mobile / "1" / card.MODEL_FILE


def once_made(task: str, tmp_path_factory: pytest.TempPathFactory) -> TaskModel:
    """Return a task's model, which is made by whoever asks first."""
    return once(tmp_path_factory, f"{task}-model", TaskModel, functools.partial(make, task=task))


def problem(task: str) -> Problem:
    """The tests' problem with another task."""
    features = {name: neutral.DECLARED[name] for name in neutral.without(Kind.SHARE)}
    classes = other_tasks.CLASSES if task == "multiclass" else []
    label = other_tasks.LABELS[task]
    return Problem(
        folder="parcels", model="parcels", task=task, label=label, classes=classes, date=neutral.DATE, features=features
    )


def frame(task: str) -> pd.DataFrame:
    """Rows with the label of a task."""
    made = neutral.rows(neutral.MONTHS[-1:], each=ROWS)
    return made.drop(columns=neutral.LABEL).assign(**{other_tasks.LABELS[task]: other_tasks.labels(made, task)})


def columns(of: Problem, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """What a model takes: texts as bytes, NaN or b"" where a value is missing."""
    return {
        name: rows[name].fillna("").str.encode("utf-8").to_numpy(object) if dtype == "string" else rows[name].to_numpy(dtype)
        for name, dtype in of.columns.items()
    }


def make(folder: Path, task: str) -> TaskModel:
    """Make and publish a task's model in a folder."""
    of, rows = problem(task), columns(problem(task), frame(task))
    transforms.write(of, rows, folder / "transform")
    asked = {name: rows[name] for name in inputs(of.features)}
    saved(of, rows[of.label], folder)
    serving, mobile = folder / "serving", folder / "mobile" / of.model
    records = folder / "examples.gz"
    with tf.io.TFRecordWriter(str(records), "GZIP") as writer:
        for each in request_log.examples(asked):
            writer.write(each)
    warm_up.write(folder / "requests", of.model, folder / "saved", [str(records)])
    metrics = {"overall": {"error_low": INTERVAL.low, "error_high": INTERVAL.high}} if task == "regression" else {}
    facts = Facts(model=of.model, metrics=metrics, configuration={"problem": {"task": task, "classes": of.classes}})
    store.publish(serving / of.model, folder / "saved", {contents.WARM_UP: folder / "requests"}, facts, 5)
    store.publish(mobile, phone(of, asked, folder), {}, facts, 5)
    return TaskModel(task, serving, mobile)


def saved(of: Problem, labels: np.ndarray, folder: Path) -> None:
    """Write the server's model to `folder`/saved."""
    output = tft.TFTransformOutput(str(folder / "transform"))
    sizes = {each.name: len(output.vocabulary_by_name(each.name)) for each in of_kind(of.features, Kind.CATEGORICAL)}
    keras.utils.set_random_seed(1)
    built = network.build(of.features, Hyperparameters(**neutral.HYPERPARAMETERS), sizes, heads.of(of, tf.constant(labels)))
    ServingModel(built, output, of).save(str(folder / "saved"))


def phone(of: Problem, asked: dict[str, np.ndarray], folder: Path) -> Path:
    """Write the phone's file with its card, as the MobileExporter does."""
    graph = TransformGraph(f"{folder}/transform/transform_fn")
    model = tf.saved_model.load(str(folder / "saved"))
    file = quantized(to_tflite(model, graph, inputs(of.features), batch=1), "float16")
    features = [
        feature_card(each.model_dump(mode="json") | {"dtype": each.dtype}, neutral.schema(neutral.PROBLEM), {})
        for each in of.features
    ]
    stated = card.ModelCard(
        schema_version=card.schema_of(of.task_name),
        model=of.model,
        version=1,
        variant="float16",
        span=neutral.MONTHS[-1],
        window=[*neutral.MONTHS],
        rows={"train": ROWS},
        label=of.label,
        task=of.task_name,
        classes=of.classes,
        signature=SIGNATURE,
        output=of.task.output,
        missing={"string": "", "float32": "NaN"},
        features=features,
        interval=INTERVAL if of.task_name == "regression" else None,
        metrics={},
        golden=golden_rows(TFLiteModel(file), {name: column[:20] for name, column in asked.items()}),
        words=WORDS[of.task_name],
    )
    made = folder / "phone"
    made.mkdir()
    (made / card.MODEL_FILE).write_bytes(card.attach(file, stated))
    (made / card.FILE).write_text(stated.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return made
