"""On halves of a month, one of them changed on purpose. How often and how small: tests/benchmarks/drift_power.py."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import distance

from components.drift_monitor import data_drift
from components.drift_monitor.data_drift import CONSTANT, JENSEN_SHANNON, L_INFINITY, DataLimits
from components.shared.errors import BadConfig
from pipeline.shared.sections import Drift
from tests import neutral
from tests.components.drift_monitor.samples import (
    inputs_schema,
    observed_by_beam,
    observed_statistics,
    tfdv,
    training_statistics,
)

LIMITS = DataLimits(**Drift().limits("categorical", "numeric", "missing", "values"))


@pytest.fixture(scope="module")
def halves() -> tuple[pd.DataFrame, pd.DataFrame]:
    month = neutral.rows(["2024-04"], each=24_000)
    first = np.random.default_rng(9).random(len(month)) < 0.5
    return month[first], month[~first]


@pytest.fixture(scope="module")
def reference(halves):
    return training_statistics(halves[0])


def fired(checks) -> set[tuple[str, str]]:
    """Feature and measure of each check that fires."""
    return {(check.feature, check.measure) for check in checks if check.verdict != "stable"}


def compared(rows, reference, kind="data", *, schema=None, folder=None, limits=LIMITS):
    current = observed_by_beam(rows, reference, folder) if folder else observed_statistics(rows, reference)
    return data_drift.compare(kind, reference, current, schema or inputs_schema(), limits)


def test_halves_of_one_month_are_alike(halves, reference, tmp_path):
    checks = compared(halves[1], reference, folder=tmp_path)
    assert fired(checks) == set()
    in_memory = compared(halves[1], reference)
    assert [(check.name, check.measure, check.value) for check in in_memory] == [
        (check.name, check.measure, pytest.approx(check.value, abs=1e-3)) for check in checks
    ]
    assert {check.feature for check in checks} == set(neutral.DECLARED)
    assert {check.measure for check in checks} >= {L_INFINITY, JENSEN_SHANNON, "missing share", "unseen values", CONSTANT}


def lost(column: pd.Series, share: float) -> pd.Series:
    return column.mask(np.random.default_rng(2).random(len(column)) < share)


CHANGES = {
    "shifted by half a standard deviation": (
        lambda rows: rows.assign(weight=rows.weight + 0.5 * rows.weight.std()),
        {("weight", JENSEN_SHANNON)},
    ),
    "another unit": (
        lambda rows: rows.assign(distance=rows.distance / 100),
        {("distance", JENSEN_SHANNON), ("distance", CONSTANT)},
    ),
    "a new country": (
        lambda rows: rows.assign(country=rows.country.mask(np.arange(len(rows)) % 100 == 0, "ZZZ")),
        {("country", "unseen values")},
    ),
    "a large shop gone": (
        lambda rows: rows[rows.shop != "books"],
        {("shop", L_INFINITY), ("shop", "vanished values")},
    ),
    "a small shop gone": (lambda rows: rows[rows.shop != "stamps"], {("shop", "vanished values")}),
    "a third missing": (lambda rows: rows.assign(items=lost(rows["items"], 0.33)), {("items", "missing share")}),
    "all missing": (lambda rows: rows.assign(price=np.nan), {("price", "missing share")}),
    "stuck": (lambda rows: rows.assign(distance=50.0), {("distance", JENSEN_SHANNON), ("distance", CONSTANT)}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_where_it_is(halves, reference, change):
    plant, expected = CHANGES[change]
    found = fired(compared(plant(halves[1]), reference))
    # A shop takes its share along.
    features = {feature for feature, _ in expected} if "shop" in change else {feature for feature, _ in found}
    assert {pair for pair in found if pair[0] in features} == expected


def test_a_feature_whose_values_come_and_go_may_have_its_own_limit(halves, reference):
    rows = halves[1].assign(
        country=lambda made: made.country.mask(np.arange(len(made)) % 100 == 0, "ZZZ"),
        shop=lambda made: made.shop.mask(np.arange(len(made)) % 100 == 1, "new"),
    )
    own = replace(LIMITS, values_of={"country": 0.02})
    unseen = {feature for feature, measure in fired(compared(rows, reference, limits=own)) if measure == "unseen values"}
    assert unseen == {"shop"}


def test_the_reasons_name_what_was_found(halves, reference):
    """Of the values that came or went, the three most frequent, the most frequent first."""
    rows = halves[1][halves[1].shop != "stamps"].assign(weight=5.0)
    places = np.arange(len(rows)) % 100
    for place, name in enumerate(["AAA", "BBB", "BBB", "CCC", "CCC", "CCC", "DDD", "DDD", "DDD", "DDD"]):
        rows["country"] = rows["country"].mask(places == place, name)
    reasons = {(check.feature, check.measure): check.reason for check in compared(rows, reference)}
    assert reasons["country", "unseen values"].startswith(
        "country has values that training did not know (DDD, CCC, BBB): unseen values 0.1"
    )
    assert reasons["shop", "vanished values"].startswith("shop lacks values that training had (stamps): vanished values 0.0")
    assert reasons["weight", CONSTANT].startswith("weight hardly varies within training's range, it is between ")


def test_a_number_that_hardly_varied_in_training_may_stay_the_same(halves):
    """It was 0 in nineteen rows of twenty."""
    seldom = halves[0]["items"].where(np.arange(len(halves[0])) % 20 == 0, 0.0)
    reference = training_statistics(halves[0].assign(items=seldom))
    found = compared(halves[1].assign(items=0.0), reference)
    assert not [check for check in found if check.feature == "items" and check.measure == CONSTANT]


@pytest.mark.parametrize(
    ("beside", "feature", "change"),
    [
        ("price", "gift", (0, [1])),
        ("shop", "gift", (1, [0])),  # no number varies: the reference's histograms have one bucket each
        ("price", "weight", (1013.25, [1013.26])),
        ("price", "weight", (-5.0, [-1e6, 3.0, 1e30])),
    ],
)
def test_a_constant_that_begins_to_vary_is_found(halves, beside, feature, change):
    """In half of the rows; in a single one of thousands, however far away, it stays below the limit."""
    value, others = change
    constant, rows = (half.reset_index(drop=True)[[beside]].assign(**{feature: value}) for half in halves)
    reference = training_statistics(constant)
    for changed, drifts in ((0, False), (1, False), (len(rows) // 2, True), (len(rows), True)):
        now = np.where(np.arange(len(rows)) < changed, np.resize(others, len(rows)), value)
        checks = compared(rows.assign(**{feature: now}), reference)
        [check] = [each for each in checks if (each.feature, each.measure) == (feature, JENSEN_SHANNON)]
        assert fired(checks) == ({(feature, JENSEN_SHANNON)} if drifts else set())
        share = changed / len(rows)
        # TFDV's approximate quantiles smear a tenth of a percent.
        assert check.value == pytest.approx(distance.jensenshannon([1, 0], [1 - share, share], base=2) ** 2, abs=0.01)
    assert check.reason.startswith(f"{feature} is not {value:g} in ")
    assert "% of rows, in training it always was: Jensen-Shannon divergence" in check.reason


def test_a_column_that_is_not_there_at_all(halves, reference, tmp_path):
    found = compared(halves[1].drop(columns="weight"), reference, folder=tmp_path)
    assert fired(found) == {("weight", "missing share")}
    [reason] = [check.reason for check in found if check.reason]
    assert reason.startswith("weight is missing in 100.0% of rows, in training in 1")


def test_a_column_without_a_value_has_no_distance(halves, reference):
    found = compared(halves[1].assign(weight=np.float32("nan")), reference)
    assert {check.measure for check in found if check.feature == "weight"} == {"missing share"}
    assert fired(found) == {("weight", "missing share")}


def test_one_outlier_is_no_drift_although_it_moves_tfdvs_buckets(halves, reference):
    rows = halves[1].reset_index(drop=True)
    rows.loc[0, "items"] = 900.0
    checks = compared(rows, reference)
    assert fired(checks) == set()
    schema = data_drift.with_comparators(inputs_schema(), "data", LIMITS)
    stock = tfdv.validate_statistics(training_statistics(rows), schema, previous_statistics=reference)
    [items] = [info.drift_measurements[0].value for info in stock.drift_skew_info if info.path.step[0] == "items"]
    assert items > 10 * LIMITS.numeric


def test_infinity_norm_on_a_number_is_refused():
    schema = inputs_schema()
    next(feature for feature in schema.feature if feature.name == "weight").drift_comparator.infinity_norm.threshold = 0.1
    with pytest.raises(BadConfig, match=r"weight is numeric and has drift_comparator.infinity_norm .* Expected jensen_shannon"):
        data_drift.with_comparators(schema, "data", LIMITS)


def test_a_features_own_limit_in_the_schema_comes_first(halves, reference):
    schema = inputs_schema()
    for feature in schema.feature:
        if feature.name == "shop":
            feature.drift_comparator.infinity_norm.threshold = 1e-6
        if feature.name == "weight":
            feature.skew_comparator.jensen_shannon_divergence.threshold = 1e-6
    assert fired(compared(halves[1], reference, "data", schema=schema)) == {("shop", L_INFINITY)}
    skewed = [check for check in compared(halves[1], reference, "skew", schema=schema) if check.verdict != "stable"]
    assert [(check.kind, check.feature, check.limit) for check in skewed] == [("skew", "weight", 1e-6)]
    assert skewed[0].reason.startswith("served requests: weight is distributed differently")
