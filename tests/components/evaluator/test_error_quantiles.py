"""The quantiles of the errors: their intervals hold labels that they were not made from; and TFMA's use of them."""

import apache_beam as beam
import numpy as np
import pandas as pd
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.error_quantiles import ErrorQuantiles, errors, quantiles
from components.shared import tasks
from components.shared.target import Target
from pipeline.model.evaluation import eval_config
from pipeline.shared.sections import Evaluate


def draw(random: np.random.Generator, rows: int) -> np.ndarray:
    """Errors of a skewed label, as prices are."""
    return random.lognormal(0, 1, rows) - 1.6


@pytest.mark.parametrize("rows", [19, 50, 399])
def test_a_new_label_is_within_as_often_as_promised(rows):
    """Of so many samples the mean coverage is known to 0.5 %; it is at least 90 %, and at most 2 / (rows + 1) more."""
    random, covered = np.random.default_rng(1), []
    new = draw(random, 100_000)
    for _ in range(400):
        low, high = quantiles(draw(random, rows).astype("float32"))
        covered.append(((new >= low) & (new <= high)).mean())
    assert tasks.COVERED - 0.005 < np.mean(covered) < tasks.COVERED + 2 / (rows + 1) + 0.005


def test_both_sides_miss_as_often():
    random = np.random.default_rng(2)
    new, (low, high) = draw(random, 100_000), quantiles(draw(random, 9999).astype("float32"))
    assert (new < low).mean() == pytest.approx(0.05, abs=0.01)
    assert (new > high).mean() == pytest.approx(0.05, abs=0.01)
    assert -low < high, "a label that is skewed to above has the longer end there"


@pytest.mark.parametrize(("rows", "expected"), [(18, (np.nan, np.nan)), (19, (1, 19)), (39, (2, 38)), (100, (5, 96))])
def test_the_ranks_are_those_of_conformal_prediction(rows, expected):
    shuffled = np.random.default_rng(0).permutation(np.arange(1, rows + 1, dtype="float32"))
    np.testing.assert_equal(quantiles(shuffled), expected)


def test_an_error_that_is_no_number_leaves_no_interval():
    np.testing.assert_equal(quantiles(np.array([*range(99), np.nan], "float32")), (np.nan, np.nan))


def test_tfma_computes_them_over_all_rows_and_by_slice():
    """Through TFMA's own pipeline, from the configuration that the Evaluator gets; a slice of few rows has none."""
    random = np.random.default_rng(3)
    rows = pd.DataFrame({"cost": random.normal(20, 4, 500), "prediction": random.normal(20, 3, 500), "shop": "toys"})
    rows.loc[:9, "shop"] = "books"
    config = eval_config(Evaluate(slices=["shop"]), Target(label="cost", task_name="regression"))
    del config.model_specs[1:]
    config.model_specs[0].CopyFrom(config_pb2.ModelSpec(label_key="cost", prediction_key="prediction"))
    for metric in config.metrics_specs[0].metrics:
        del metric.per_slice_thresholds[:]
    found = {key: {each["name"]: each["value"] for each in values} for key, values in analysed(rows, config).items()}
    for key, part in {(): rows, (("shop", "toys"),): rows[rows["shop"] == "toys"]}.items():
        low, high = quantiles(errors(part["cost"], part["prediction"]))
        assert found[key]["error_low"] == pytest.approx(low, abs=1e-6)
        assert found[key]["error_high"] == pytest.approx(high, abs=1e-6)
        assert found[key]["example_count"] == len(part)
    assert found[(("shop", "books"),)]["error_low"] == "NaN"  # as JSON has it


def analysed(rows: pd.DataFrame, config: config_pb2.EvalConfig) -> dict:
    """Evaluate rows with TFMA, and return its figures by slice."""
    result = tfma.analyze_raw_data(rows, config)
    return {
        key: [{"name": name, "value": value.get("doubleValue")} for name, value in metrics[""][""].items()]
        for key, metrics in result.slicing_metrics
    }


def test_parts_of_the_rows_add_up_whatever_their_order():
    [computation] = ErrorQuantiles().computations(eval_config=config_pb2.EvalConfig())
    combiner, values = computation.combiner, np.random.default_rng(4).normal(size=300).astype("float32")
    parts = [[values[:100]], [values[100:101], values[101:250]], [], [values[250:]]]
    merged = combiner.merge_accumulators(iter(parts))
    expected = dict(zip(computation.keys, quantiles(values), strict=True))
    assert combiner.extract_output(combiner.compact(merged)) == expected
    assert isinstance(combiner, beam.CombineFn)
