"""Gates, limits and training follow the size of the table."""

import numpy as np
import pytest

from components.drift_monitor import performance
from pipeline import dag
from pipeline.adoption import noise, settings, tasks
from pipeline.adoption.columns import Chosen
from pipeline.adoption.periods import Periods, Split
from pipeline.adoption.settings import Seen
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.shared import sections

SHOP = Chosen("shop", "shop", {"kind": "categorical"}, distinct=5)


def periods(rows):
    train, evaluation = (Split(rows, rows // 4),) * 2, (Split(rows // 10, rows // 40),) * 2
    windows = (("2024-01",), ("2024-02",))
    return Periods(
        "month", ("2024-01", "2024-02"), (rows, rows), 1, 0, windows, train, evaluation, eval_days=10, fewest_days=10
    )


@pytest.mark.parametrize("rows", [500, 5_000, 100_000, 10_000_000])
def test_small_and_large_tables_have_settings_that_hold(rows):
    found = settings.settings(tasks.BINARY, periods(rows), [SHOP], Seen(0.01, ["shop"]))
    gate = sections.Gate.model_validate(found.gate)
    sections.Drift.model_validate(found.drift)
    sections.Evaluate.model_validate(found.evaluate)
    sections.Mobile.model_validate(found.mobile)
    Hyperparameters.model_validate(found.hyperparameters)
    assert gate.min_rows <= rows // 10
    assert gate.min_positive_share < 0.25 < gate.max_positive_share
    assert (gate.max_repeated_share, gate.may_be_constant) == (0.02, ["shop"])
    assert found.evaluate["slices"] == ["shop"]
    steps = found.train["epochs"] * rows / found.train["batch_size"]
    assert 1_000 < steps < 4_000 or found.train["epochs"] in (3, 100)


def test_more_rows_make_larger_networks_and_stricter_limits():
    small, large = (settings.settings(tasks.BINARY, periods(rows), [SHOP], Seen()) for rows in (1_000, 1_000_000))
    assert small.hyperparameters["hidden_units"] < large.hyperparameters["hidden_units"]
    assert small.hyperparameters["dropout"] > large.hyperparameters["dropout"]
    assert small.drift["label"] > large.drift["label"]
    assert small.evaluate["max_auc_drop"] > large.evaluate["max_auc_drop"]
    assert "max_repeated_share" not in small.gate


def test_a_class_that_some_training_lacks_may_be_absent():
    gate = settings.settings(tasks.MULTICLASS, periods(1000), [SHOP], Seen(absent=["new"])).gate
    assert sections.Gate.model_validate(gate).may_be_absent == ["new"]


def test_values_may_come_and_go_as_they_have_in_the_past():
    assert settings.settings(tasks.BINARY, periods(1000), [SHOP], Seen(moved={"shop": 0.0213, "size": 0.0})).drift[
        "values_of"
    ] == {"shop": 0.022}
    assert not {"values", "values_of"} & set(settings.settings(tasks.BINARY, periods(1000), [SHOP], Seen()).drift)


def test_as_many_categories_as_the_table_has_may_come():
    wide = Chosen("street", "street", {"kind": "categorical"}, distinct=30_000)
    assert settings.settings(tasks.BINARY, periods(100_000), [SHOP, wide], Seen()).gate["max_categories"] == 60_000
    assert "max_categories" not in settings.settings(tasks.BINARY, periods(100_000), [SHOP], Seen()).gate


def test_the_phones_file_may_be_as_large_as_its_vocabularies_make_it():
    wide = Chosen("street", "street", {"kind": "categorical"}, distinct=9_000)
    assert settings.phone_kilobytes([SHOP], 1_000) == 1000
    assert settings.phone_kilobytes([wide], 1_000_000) > 5_000


@pytest.mark.parametrize(
    ("task", "gate", "drift", "evaluate"),
    [
        (tasks.MULTICLASS, set(), {"label", "prediction", "accuracy", "log_loss"}, {"max_accuracy_drop"}),
        (tasks.REGRESSION, set(), {"shift", "rmse"}, {"max_rmse_rise"}),
        (
            tasks.BINARY,
            {"min_positive_share", "max_positive_share"},
            {"label", "prediction", "auc", "log_loss", "calibration"},
            {"min_auc", "max_auc_drop"},
        ),
    ],
    ids=["multiclass", "regression", "binary"],
)
def test_each_task_has_limits_of_its_own_that_are_looser_on_few_rows(task, gate, drift, evaluate):
    few, many = (settings.settings(task, periods(rows), [SHOP], Seen()) for rows in (500, 1_000_000))
    assert set(few.gate) == gate | {"min_rows", "min_eval_days"}
    assert set(few.drift) == drift | {"categorical", "numeric", "missing"}
    assert set(few.evaluate) == evaluate | {"slices"}
    assert all(few.drift[name] >= many.drift[name] for name in drift)
    assert few.evaluate != many.evaluate


def test_limits_are_above_what_chance_makes_of_one_distribution():
    random = np.random.default_rng(1)
    ends = np.linspace(-3, 3, dag.HISTOGRAM_BUCKETS + 1)
    found = [
        performance.jensen_shannon(*(np.histogram(random.normal(size=rows).clip(-3, 3), ends)[0] for rows in (300, 400)))
        for _ in range(200)
    ]
    assert np.quantile(found, 0.99) < noise.divergence(tasks.NUMBER_BUCKETS, 300, 400) < 3 * np.median(found)
    assert dag.HISTOGRAM_BUCKETS == tasks.NUMBER_BUCKETS
    apart = [abs(random.binomial(300, 0.5) / 300 - random.binomial(400, 0.5) / 400) for _ in range(2000)]
    assert np.quantile(apart, 0.99) < noise.difference(0.5, 300, 400) < 2 * np.quantile(apart, 0.99)


def test_nothing_is_dropped_of_a_network_that_gives_a_number():
    found = {task.name: settings.hyperparameters(task, 1_000) for task in tasks.TASKS.values()}
    assert found["binary"]["dropout"] == found["multiclass"]["embedding_dropout"] == 0.3
    assert found["regression"]["dropout"] == found["regression"]["embedding_dropout"] == 0


def test_only_a_large_table_shows_the_time_of_a_day_sharply():
    found = [settings.hyperparameters(task, rows)["harmonics"] for task in tasks.TASKS.values() for rows in (1_000, 1_000_000)]
    assert found == [4, 16] * len(tasks.TASKS)
