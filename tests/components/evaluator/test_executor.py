"""TFX's Evaluator and ours on the same real rows and models."""

import json

import pytest
import tensorflow as tf
from tfx.components.evaluator import executor as tfx_executor

from tensorflow_model_analysis.proto import config_pb2  # isort: skip  # behind tfx
from tensorflow_model_analysis.proto.validation_result_pb2 import ValidationResult  # isort: skip

from components.errors import BadConfig, BadData
from components.evaluator import executor
from components.evaluator.score import NotAScore
from tests.components.evaluator import evaluations

SAME = {"rel": 1e-6, "abs": 1e-7, "nan_ok": True}  # a score differs in its last bit with its place in a batch


@pytest.fixture
def inputs(two_runs, tmp_path):
    return evaluations.of_second_run(two_runs, tmp_path)


def judged(validation: ValidationResult) -> ValidationResult:
    """What was checked and what failed, in the order of slices; the values are compared elsewhere."""
    for of_slice in validation.metric_validations_per_slice:
        for failure in of_slice.failures:
            failure.ClearField("metric_value")
    validation.metric_validations_per_slice.sort(key=str)
    validation.validation_details.slicing_details.sort(key=str)
    return validation


def assert_same(inputs) -> evaluations.Found:
    expected, found = (evaluations.run(each.Executor, inputs) for each in (tfx_executor, executor))
    assert found.values.keys() == expected.values.keys()
    assert found.values == pytest.approx(expected.values, **SAME)
    assert found.blessing == expected.blessing
    assert found.run == expected.run
    assert judged(found.validation) == judged(expected.validation)
    return found


def test_the_same_as_tfx_against_production(inputs):
    found = assert_same(inputs)
    slices = {name.split("/")[0] for name in found.values}
    assert len(slices) > 10
    assert any("'isDiff': True" in name and "'auc'" in name for name in found.values)


def test_the_same_as_tfx_without_a_baseline(inputs):
    inputs.baseline = None
    found = assert_same(inputs)
    assert not any("isDiff" in name for name in found.values)


def test_the_same_as_tfx_when_it_does_not_bless(inputs):
    """Other metrics and slices too: by numbers, by a feature that some rows lack, and by one that only some values pass."""
    auc = inputs.config.metrics_specs[0].metrics[1]
    auc.per_slice_thresholds[0].threshold.value_threshold.lower_bound.value = 0.99
    by_origin = auc.per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec(feature_keys=["origin"])])
    by_origin.threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
    by_origin.threshold.change_threshold.absolute.value = 0.5
    for name, settings in (("MeanLabel", {}), ("MeanPrediction", {}), ("SpecificityAtSensitivity", {"sensitivity": 0.5})):
        inputs.config.metrics_specs[0].metrics.add(class_name=name, config=json.dumps(settings))
    for name in ("holiday", "weekday", "seats", "origin"):
        inputs.config.slicing_specs.add(feature_keys=[name])
    found = assert_same(inputs)
    assert found.blessing["files"] == ["NOT_BLESSED"]
    assert not found.validation.validation_ok
    assert len(found.validation.metric_validations_per_slice) == 4  # all rows and three airports


def test_what_is_not_covered_goes_tfx_way(inputs):
    inputs.config.slicing_specs.add(feature_keys=["origin", "holiday"])
    found = assert_same(inputs)
    assert any("'origin'" in name and "'holiday'" in name for name in found.values)


def test_files_and_workers_do_not_matter(inputs):
    whole = evaluations.run(executor.Executor, inputs)
    serialized = evaluations.rows(inputs)
    evaluations.replace_rows(inputs, serialized[:300], serialized[300:310], [], serialized[310:])
    inputs.folder = inputs.folder / "files"
    inputs.folder.mkdir()
    (inputs.folder / "schema").symlink_to(inputs.folder.parent / "schema")
    found = evaluations.run(executor.Executor, inputs, "pipeline.beam_worker.MultiProcessingRunner")
    assert found.values == pytest.approx(whole.values, **SAME)


def test_a_row_without_a_label_is_an_error(inputs):
    serialized = evaluations.rows(inputs)
    unlabelled = tf.train.Example.FromString(serialized[7])
    del unlabelled.features.feature["late"]
    evaluations.replace_rows(inputs, [*serialized[:7], unlabelled.SerializeToString(), *serialized[8:]])
    with pytest.raises(BadData, match=r"1 of \d+ rows have no late, or several"):
        evaluations.run(executor.Executor, inputs)


def test_a_slice_by_an_unknown_feature_is_an_error(inputs):
    inputs.config.slicing_specs.add(feature_keys=["airline"])
    with pytest.raises(BadConfig, match="asks for airline"):
        evaluations.run(executor.Executor, inputs)


def test_a_signature_that_takes_something_else_is_an_error(inputs):
    for spec in inputs.config.model_specs:
        spec.signature_name = "raw"  # takes columns
    with pytest.raises(NotAScore, match=r"signature raw takes .* expected serialized tf\.Examples"):
        evaluations.run(executor.Executor, inputs)


def test_no_rows_bless_nothing(inputs):
    evaluations.replace_rows(inputs, [])
    assert evaluations.run(executor.Executor, inputs).blessing["files"] == ["NOT_BLESSED"]
