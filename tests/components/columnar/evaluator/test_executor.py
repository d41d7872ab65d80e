"""TFX's Evaluator and ours on the same rows and models."""

import json

import pytest
import tensorflow as tf
from tfx.utils import path_utils

from tensorflow_model_analysis.proto import config_pb2  # isort: skip  # behind tfx

from components.columnar.evaluator import executor
from components.columnar.evaluator.rows import NotAScore
from components.evaluator import executor as stock
from components.shared import tfma_results
from components.shared.errors import BadConfig, BadData
from tests import neutral
from tests.components.columnar.evaluator import evaluations


@pytest.fixture
def inputs(parcel_runs, tmp_path):
    return evaluations.of_second_run(parcel_runs.root, parcel_runs.problem, tmp_path)


@pytest.fixture(scope="module")
def whole(parcel_runs, tmp_path_factory):
    """What ours finds in the inputs as they are, and the folder that it is in."""
    inputs = evaluations.of_second_run(parcel_runs.root, parcel_runs.problem, tmp_path_factory.mktemp("whole"))
    return evaluations.run(executor.Executor, inputs), inputs.folder


def test_the_same_as_tfx_against_production(inputs, whole):
    found = evaluations.assert_same(inputs, whole[0])
    slices = {name.split("/")[0] for name in found.values}
    assert len(slices) > 7  # all rows, shops and countries
    assert any("'isDiff': True" in name and "'auc'" in name for name in found.values)


def test_the_same_as_tfx_without_a_baseline(inputs):
    inputs.baseline = None
    found = evaluations.assert_same(inputs)
    assert not any("isDiff" in name for name in found.values)


def test_the_same_as_tfx_when_it_does_not_bless(inputs):
    """Other metrics and slices too: by numbers, by a feature that some rows lack, and by one that only some values pass."""
    [auc] = [metric for metric in inputs.config.metrics_specs[0].metrics if metric.class_name == "AUC"]
    auc.per_slice_thresholds[0].threshold.value_threshold.lower_bound.value = 0.99
    by_country = auc.per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec(feature_keys=["country"])])
    by_country.threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
    by_country.threshold.change_threshold.absolute.value = 0.5
    for name, settings in (("MeanLabel", {}), ("MeanPrediction", {}), ("SpecificityAtSensitivity", {"sensitivity": 0.5})):
        inputs.config.metrics_specs[0].metrics.add(class_name=name, config=json.dumps(settings))
    for name in ("gift", "weekday", "items", "country"):
        inputs.config.slicing_specs.add(feature_keys=[name])
    found = evaluations.assert_same(inputs)
    assert found.blessing["files"] == ["NOT_BLESSED"]
    assert not found.validation.validation_ok
    assert len(found.validation.metric_validations_per_slice) == 4  # all rows and three countries


def test_what_is_not_covered_goes_tfx_way(inputs):
    inputs.config.slicing_specs.add(feature_keys=["country", "gift"])
    found = evaluations.assert_same(inputs)
    assert any("'country'" in name and "'gift'" in name for name in found.values)


class Saturated(tf.Module):
    """A model's scores, but that the lowest of a batch is replaced."""

    def __init__(self, model: str, lowest: float):
        super().__init__()
        self.model = tf.saved_model.load(model)
        self.lowest = lowest

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, examples):
        [scores] = self.model.signatures["serving_default"](examples).values()
        return {"probability": tf.where(scores == tf.reduce_min(scores), self.lowest, scores)}


def saturate(inputs, lowest: float) -> None:
    """Puts such a model in the place of the candidate."""
    folder = inputs.folder / "saturated"
    model = Saturated(path_utils.serving_model_path(inputs.model), lowest)
    tf.saved_model.save(model, str(folder / "Format-Serving"), signatures={"serving_default": model.__call__})
    inputs.model = str(folder)


def test_saturated_scores_have_a_log_loss(inputs, whole):
    """Within a row's 16 nats of the model's own; AUC and calibration see the score of 0."""
    saturate(inputs, lowest=0.0)
    found = evaluations.run(executor.Executor, inputs)
    before, after = (
        tfma_results.metrics(str(folder / executor.__name__ / "evaluation"))["candidate"]["overall"]
        for folder in (whole[1], inputs.folder)
    )
    assert after["binary_crossentropy"] == pytest.approx(before["binary_crossentropy"], abs=0.06)
    assert after["calibration"] < before["calibration"]
    assert found.blessing["files"] == ["BLESSED"]


@pytest.mark.parametrize(("module", "crossed", "lowest"), [(executor, False, -0.5), (executor, True, 0.0), (stock, False, 0.0)])
def test_a_candidate_whose_log_loss_is_not_finite_is_not_blessed(inputs, module, crossed, lowest):
    saturate(inputs, lowest)
    if crossed:  # goes TFX's way
        inputs.config.slicing_specs.add(feature_keys=["country", "gift"])
    found = evaluations.run(module.Executor, inputs)
    assert found.validation.validation_ok
    assert found.blessing["files"] == ["NOT_BLESSED"]
    assert found.blessing["blessed"] == "int_value: 0\n"
    [reason] = tfma_results.refusals(str(inputs.folder / module.__name__ / "evaluation"))
    assert (
        reason
        == "overall: binary_crossentropy is nan; expected a number, as labels of both classes and scores from 0 to 1 have"
    )


def label(serialized: bytes, returned: int) -> bytes:
    example = tf.train.Example.FromString(serialized)
    example.features.feature[neutral.LABEL].int64_list.value[:] = [returned]
    return example.SerializeToString()


def country(serialized: bytes) -> str:
    """Empty where it is missing."""
    return b"".join(tf.train.Example.FromString(serialized).features.feature["country"].bytes_list.value).decode()


@pytest.mark.parametrize("crossed", [False, True], ids=["ours", "TFX's way"])
def test_a_slice_of_one_class_has_no_auc_and_its_other_metrics(inputs, crossed):
    """TFMA says 0 of rows without positives, and NaN or 1 of rows without negatives."""
    of_one_class = {"AT": 0, "CH": 1}
    serialized = evaluations.rows(inputs)
    changed = [label(each, of_one_class[at]) if (at := country(each)) in of_one_class else each for each in serialized]
    evaluations.replace_rows(inputs, changed)
    if crossed:
        inputs.config.slicing_specs.add(feature_keys=["country", "gift"])
    evaluations.run(executor.Executor, inputs)
    found = tfma_results.metrics(str(inputs.folder / executor.__name__ / "evaluation"))
    for model in ("candidate", "baseline"):
        for name, positives in (("country=AT", 0), ("country=CH", 1)):
            values = found[model][name]
            assert not {"auc", "auc_precision_recall"} & set(values)
            assert values["mean_label"] == positives
            assert values["binary_crossentropy"] > 0
        assert "calibration" not in found[model]["country=AT"]
        assert found[model]["country=CH"]["calibration"] < 1
        assert 0 < found[model]["country=DE"]["auc"] < 1


@pytest.mark.parametrize("returned", [0, 1])
def test_rows_of_one_class_bless_nothing(inputs, returned):
    evaluations.replace_rows(inputs, [label(each, returned) for each in evaluations.rows(inputs)])
    [auc] = [metric for metric in inputs.config.metrics_specs[0].metrics if metric.class_name == "AUC"]
    auc.per_slice_thresholds[0].threshold.value_threshold.lower_bound.value = 0.0
    found = evaluations.run(executor.Executor, inputs)
    assert found.blessing["files"] == ["NOT_BLESSED"]
    reasons = tfma_results.refusals(str(inputs.folder / executor.__name__ / "evaluation"))
    assert any(reason.startswith("overall: auc is ") for reason in reasons)


def test_files_and_workers_do_not_matter(inputs, whole):
    serialized = evaluations.rows(inputs)
    evaluations.replace_rows(inputs, serialized[:300], serialized[300:310], [], serialized[310:])
    found = evaluations.run(executor.Executor, inputs, "pipeline.beam.worker.MultiProcessingRunner")
    assert found.values == pytest.approx(whole[0].values, **evaluations.SAME)


def test_a_row_without_a_label_is_an_error(inputs):
    serialized = evaluations.rows(inputs)
    unlabelled = tf.train.Example.FromString(serialized[7])
    del unlabelled.features.feature[neutral.LABEL]
    evaluations.replace_rows(inputs, [*serialized[:7], unlabelled.SerializeToString(), *serialized[8:]])
    with pytest.raises(BadData, match=r"1 of \d+ rows have no returned, or several"):
        evaluations.run(executor.Executor, inputs)


def test_a_slice_by_an_unknown_feature_is_an_error(inputs):
    inputs.config.slicing_specs.add(feature_keys=["color"])
    with pytest.raises(BadConfig, match="asks for color"):
        evaluations.run(executor.Executor, inputs)


def test_a_signature_that_takes_something_else_is_an_error(inputs):
    for spec in inputs.config.model_specs:
        spec.signature_name = "raw"  # takes columns
    with pytest.raises(NotAScore, match=r"signature raw takes .* expected serialized tf\.Examples"):
        evaluations.run(executor.Executor, inputs)


def test_no_rows_bless_nothing(inputs):
    evaluations.replace_rows(inputs, [])
    assert evaluations.run(executor.Executor, inputs).blessing["files"] == ["NOT_BLESSED"]
