"""TFX's Evaluator and ours on labels that are classes, and on those that are numbers."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

import tensorflow_model_analysis as tfma  # isort: skip  # behind tfx
from tensorflow_model_analysis.proto import config_pb2  # isort: skip

from components.columnar.evaluator import analysis, configured, executor
from components.evaluator import executor as stock
from components.shared import raw_rows, tfma_results
from components.shared.errors import BadData
from components.shared.target import TRANSFORM_LABELS
from pipeline import config
from pipeline.model import evaluation
from serving.server import request_log
from tests import neutral, other_tasks, task_models
from tests.components.columnar.evaluator import evaluations
from tests.components.columnar.evaluator.evaluations import Inputs

ROWS = 1500  # two batches, in one file: of several, TFMA's MAE counts some rows twice
FLOAT32 = {"abs": 1e-6}  # of Keras' metrics, and of differences of them


class Changed(tf.Module):
    """A model whose answers are changed."""

    def __init__(self, model: Path, change: Callable[[tf.Tensor], tf.Tensor]):
        super().__init__()
        self.model, self.change = tf.saved_model.load(str(model)), change

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def __call__(self, examples):
        [(name, answers)] = self.model.signatures["serving_default"](examples).items()
        return {name: self.change(answers)}

    def save(self, folder: Path) -> str:
        """Writes it as a Trainer does, and returns the artifact's uri."""
        kept = {name: of for name, of in self.model.signatures.items() if name == TRANSFORM_LABELS}
        tf.saved_model.save(self, str(folder / "Format-Serving"), signatures=kept | {"serving_default": self.__call__})
        return str(folder)


@pytest.fixture(scope="module", params=["multiclass", "regression"])
def task(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def made(task, tmp_path_factory) -> Inputs:
    """A candidate, a baseline that answers otherwise, and rows. Not to be written to."""
    folder = tmp_path_factory.mktemp(task)
    problem = other_tasks.write(folder / "parcels", task)
    (folder / "schema").mkdir()
    shutil.copy(problem / "schema.pbtxt", folder / "schema")
    model = task_models.once_made(task, tmp_path_factory).folder
    shutil.copytree(model, folder / "candidate" / "Format-Serving")
    otherwise = {"multiclass": lambda answers: tf.reverse(answers, [1]), "regression": lambda answers: answers * 0.5 + 1}
    baseline = Changed(model, otherwise[task]).save(folder / "baseline")
    loaded = config.load(problem=problem)
    how = evaluation.eval_config(loaded.evaluate, loaded.problem.target)
    inputs = Inputs(folder / "examples", str(folder / "candidate"), baseline, folder, how)
    (folder / "examples" / "Split-eval").mkdir(parents=True)
    evaluations.replace_rows(inputs, examples(task))
    return inputs


def examples(task: str) -> list[bytes]:
    """Labelled rows: the last shop has few, and prices are missing here and there."""
    rows = neutral.rows(neutral.MONTHS, each=ROWS // len(neutral.MONTHS))
    labelled = rows.drop(columns=neutral.LABEL).assign(**{other_tasks.LABELS[task]: other_tasks.labels(rows, task)})
    return request_log.examples(task_models.columns(task_models.problem(task), labelled))


@pytest.fixture
def inputs(made, tmp_path) -> Inputs:
    """The same, to be changed."""
    folders = [shutil.copytree(made.folder / name, tmp_path / name) for name in ("examples", "schema")]
    copied = config_pb2.EvalConfig()
    copied.CopyFrom(made.config)
    return Inputs(folders[0], made.model, made.baseline, tmp_path, copied)


@pytest.fixture
def on_columns(monkeypatch) -> None:
    """Has ours fail where it would go TFX's way."""
    monkeypatch.delattr(stock.Executor, "evaluate")


def with_labels(serialized: list[bytes], label: str, change: Callable[[object], object]) -> list[bytes]:
    """Rows with other labels; None: without one."""
    changed = []
    for each in serialized:
        example = tf.train.Example.FromString(each)
        feature = example.features.feature[label]
        values = getattr(feature, feature.WhichOneof("kind")).value
        values[:] = [new for new in [change(values[0])] if new is not None]
        if not values:
            del example.features.feature[label]
        changed.append(example.SerializeToString())
    return changed


def overall(inputs: Inputs, kind: type = executor.Executor) -> dict[str, float]:
    """The candidate's metrics over all rows, that an executor has written."""
    return tfma_results.metrics(str(inputs.folder / kind.__module__ / "evaluation"))["candidate"]["overall"]


@pytest.mark.usefixtures("on_columns")
def test_the_same_as_tfx_against_production(inputs, task):
    found = evaluations.assert_same(inputs, **FLOAT32)
    slices = {name.split("/")[0] for name in found.values}
    assert len(slices) == 9  # all rows, shops and countries
    key = {"multiclass": "sparse_categorical_accuracy", "regression": "squared_pearson_correlation"}[task]
    assert any("'isDiff': True" in name and key in name for name in found.values)
    assert any("onfusionMatrix" in name for name in found.values) == (task == "multiclass")
    assert overall(inputs)["example_count"] == ROWS


@pytest.mark.usefixtures("on_columns")
def test_the_same_as_tfx_without_a_baseline(inputs):
    inputs.baseline = None
    found = evaluations.assert_same(inputs, **FLOAT32)
    assert not any("isDiff" in name for name in found.values)
    assert found.blessing["files"] == ["BLESSED"]


@pytest.mark.usefixtures("on_columns")
def test_the_same_as_tfx_when_it_does_not_bless(inputs, task):
    """With more slices, and a threshold by slice: by numbers, and by a feature that some rows lack."""
    decides = next(metric for metric in inputs.config.metrics_specs[0].metrics if metric.per_slice_thresholds)
    bound = decides.per_slice_thresholds[0].threshold.value_threshold
    if task == "multiclass":
        bound.lower_bound.value = 0.99
    else:
        bound.upper_bound.value = 0.01
    by_gift = decides.per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec(feature_keys=["gift"])])
    by_gift.threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
    by_gift.threshold.change_threshold.absolute.value = 1000.0
    for name in ("gift", "weekday"):
        inputs.config.slicing_specs.add(feature_keys=[name])
    found = evaluations.assert_same(inputs, **FLOAT32)
    assert found.blessing["files"] == ["NOT_BLESSED"]
    assert len(found.validation.metric_validations_per_slice) == 3  # all rows, gifts and others


@pytest.mark.usefixtures("on_columns")
def test_two_rows_without_one_of_the_classes(inputs, task):
    """By slices of one row, which have no correlation."""
    label, kept = other_tasks.LABELS[task], {b"kept": b"kept", b"exchanged": b"returned", b"returned": b"returned"}
    few = evaluations.rows(inputs)[:2]
    evaluations.replace_rows(inputs, with_labels(few, label, kept.get) if task == "multiclass" else few)
    evaluations.assert_same(inputs, **FLOAT32)
    assert overall(inputs)["example_count"] == 2


@pytest.mark.usefixtures("on_columns")
def test_files_and_workers_do_not_matter(inputs):
    whole = evaluations.run(executor.Executor, inputs)
    serialized = evaluations.rows(inputs)
    evaluations.replace_rows(inputs, serialized[:300], serialized[300:301], [], serialized[301:])
    shutil.rmtree(inputs.folder / executor.__name__)
    found = evaluations.run(executor.Executor, inputs, "pipeline.beam.worker.MultiProcessingRunner")
    assert found.values == pytest.approx(whole.values, **evaluations.SAME | FLOAT32)


@pytest.mark.usefixtures("on_columns")
@pytest.mark.parametrize("task", ["regression"], indirect=True)
def test_numbers_far_from_zero(inputs, made, task):
    """1,000,000 ± 1: all is as in TFX's but the correlation, for which TFMA's sums of squares have too few digits."""
    million = Changed(Path(made.model) / "Format-Serving", lambda answers: 1e6 + tf.tanh(answers - 8.0))
    inputs.model, inputs.baseline = million.save(inputs.folder / "million"), None
    far = with_labels(evaluations.rows(inputs), other_tasks.LABELS[task], lambda value: 1e6 + np.tanh(value - 8))
    evaluations.replace_rows(inputs, far)
    evaluations.run(evaluations.tfx_executor.Executor, inputs)
    evaluations.run(executor.Executor, inputs)
    found, expected = overall(inputs), overall(inputs, evaluations.tfx_executor.Executor)
    by_name = {name: value for name, value in found.items() if name != "squared_pearson_correlation"}
    assert by_name == pytest.approx({name: expected[name] for name in by_name}, rel=1e-6)
    [scores] = tf.saved_model.load(f"{inputs.model}/Format-Serving").signatures["serving_default"](tf.constant(far)).values()
    right = np.corrcoef(labels(far, other_tasks.LABELS[task]), scores.numpy().astype(np.float64))[0, 1] ** 2
    assert found["squared_pearson_correlation"] == pytest.approx(right, rel=1e-5)
    assert expected.get("squared_pearson_correlation") != pytest.approx(right, rel=1e-4)  # or NaN, which is left out


def labels(serialized: list[bytes], name: str) -> list[float]:
    return [tf.train.Example.FromString(each).features.feature[name].float_list.value[0] for each in serialized]


@pytest.mark.usefixtures("on_columns")
@pytest.mark.parametrize(
    ("task", "label", "message"),
    [
        ("multiclass", b"lost", r"1 of \d+ labels are no class, such as -1, .* expected 0 to 2\. Name the class in problem"),
        ("multiclass", None, r"1 of \d+ labels are no class, such as -1"),
        ("regression", np.nan, r"1 of \d+ labels are NaN; expected numbers"),
        ("regression", None, r"1 of \d+ rows have no cost, or several"),
    ],
    indirect=["task"],
)
def test_a_row_without_a_label_or_with_an_unknown_one_is_an_error(inputs, task, label, message):
    serialized = evaluations.rows(inputs)
    without = with_labels(serialized[7:8], other_tasks.LABELS[task], lambda _: label)
    evaluations.replace_rows(inputs, [*serialized[:7], *without, *serialized[8:]])
    with pytest.raises(BadData, match=message):
        evaluations.run(executor.Executor, inputs)


@pytest.mark.usefixtures("on_columns")
def test_an_answer_that_is_no_number_is_an_error(inputs, made):
    broken = Changed(Path(made.model) / "Format-Serving", lambda answers: tf.where(answers < 1e9, np.nan, answers))
    inputs.model = broken.save(inputs.folder / "broken")
    with pytest.raises(BadData, match=r"(\d+) of \1 scores are NaN; expected numbers"):
        evaluations.run(executor.Executor, inputs)


def test_scores_that_come_with_the_rows(made, task, tmp_path):
    """As the MobileEvaluator has them; the label is the number of a class."""
    config_ = config_pb2.EvalConfig()
    config_.CopyFrom(made.config)
    for spec in config_.model_specs:
        keys = {"name": spec.name, "label_key": spec.label_key, "is_baseline": spec.is_baseline}
        spec.CopyFrom(config_pb2.ModelSpec(prediction_key=f"answer of {spec.name}", **keys))
    for metric in config_.metrics_specs[0].metrics:
        del metric.per_slice_thresholds[:]
    config_ = tfma.utils.update_eval_config_with_defaults(config_, has_baseline=True)
    assert configured.covers(config_)
    random, rows = np.random.default_rng(1), 1000
    if task == "multiclass":
        labels, scores = random.integers(0, 3, rows), random.dirichlet([1, 1, 1], (2, rows))
    else:
        labels, scores = random.normal(5, 1, rows).astype(np.float32), random.normal(5, 1, (2, rows))
    columns = {spec.prediction_key: each.astype(np.float32) for spec, each in zip(config_.model_specs, scores, strict=True)}
    columns |= {config_.model_specs[0].label_key: labels, "shop": random.integers(0, 3, rows)}
    columns["country"] = random.integers(0, 2, rows)
    batch = pa.RecordBatch.from_arrays([raw_rows.as_lists(each) for each in columns.values()], [*columns])
    steps = {
        "ours": analysis.Analyse(config_, str(tmp_path / "ours"), {}),
        "stock": tfma.ExtractEvaluateAndWriteResults(eval_config=config_, output_path=str(tmp_path / "stock")),
    }
    found = {}
    for name, step in steps.items():
        (tmp_path / name).mkdir()
        with beam.Pipeline(argv=["--runner=FnApiRunner"]) as pipeline:
            _ = pipeline | beam.Create([batch]) | step
        found[name] = evaluations.values(str(tmp_path / name))
    assert found["ours"].keys() == found["stock"].keys()
    assert found["ours"] == pytest.approx(found["stock"], **evaluations.SAME | FLOAT32)


def test_what_each_task_asks_for_is_covered_and_weights_are_not(inputs, task):
    assert configured.covers(inputs.config)
    for change in ("weights", "label", "features", "others"):
        other = config_pb2.EvalConfig()
        other.CopyFrom(inputs.config)
        if change == "weights":
            other.model_specs[0].example_weight_key = "price"
        elif change == "label":  # which would be sliced by as numbers
            other.slicing_specs.add(feature_keys=[other_tasks.LABELS[task]])
        elif change == "features":
            other.model_specs[0].preprocessing_function_names[:] = ["transform_features"]
        else:
            name = {"multiclass": "MeanLabel", "regression": "SparseCategoricalAccuracy"}[task]
            other.metrics_specs[0].metrics.add(class_name=name, config=json.dumps({}))
        assert configured.covers(other) == (change == "label" and task == "regression")
