"""The measures of classes and numbers, against scikit-learn and SciPy."""

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]
from sklearn import metrics  # type: ignore[import-untyped]

from components.shared.scored import ScoredClasses, ScoredNumbers, scored
from components.shared.scored_rows import Scored
from components.shared.tasks import MULTICLASS, REGRESSION, TASKS

ROWS = 3000


def classes(seed: int = 1, count: int = 4) -> ScoredClasses:
    """Labels that follow their probabilities."""
    random = np.random.default_rng(seed)
    scores = random.dirichlet(np.full(count, 0.7), ROWS)
    labels = (random.random((ROWS, 1)) > scores.cumsum(axis=1)).sum(axis=1).clip(max=count - 1)
    return ScoredClasses(labels, scores.astype("float32"))


def numbers(seed: int = 1, offset: float = 0.0) -> ScoredNumbers:
    random = np.random.default_rng(seed)
    labels = random.gamma(2, 3, ROWS) + offset
    return ScoredNumbers(labels.astype("float32"), (labels + random.normal(0, 2, ROWS) + 0.5).astype("float32"))


def test_metrics_of_classes_are_those_of_scikit_learn():
    found, labels, scores = classes().metrics(), classes().labels, classes().scores
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, scores.argmax(axis=1)))
    assert found["log loss"] == pytest.approx(metrics.log_loss(labels, scores), rel=1e-4)
    assert found["macro AUC"] == pytest.approx(metrics.roc_auc_score(labels, scores, multi_class="ovr"), abs=1e-3)


def test_a_class_that_does_not_occur_is_left_out_of_the_mean():
    given = classes()
    kept = given.labels != 3
    labels, scores = given.labels[kept], given.scores[kept]
    expected = np.mean([metrics.roc_auc_score(labels == each, scores[:, each]) for each in range(3)])
    assert ScoredClasses(labels, scores).metrics()["macro AUC"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_metrics_of_numbers_are_those_of_scikit_learn(offset):
    """Far from zero too, where squares of float32 have lost the digits that a variance is made of."""
    given = numbers(offset=offset)
    labels, scores = given.labels.astype("float64"), given.scores.astype("float64")
    assert given.metrics() == {
        "RMSE": pytest.approx(metrics.root_mean_squared_error(labels, scores)),
        "MAE": pytest.approx(metrics.mean_absolute_error(labels, scores)),
        "squared correlation": pytest.approx(np.corrcoef(labels, scores)[0, 1] ** 2),
        "R²": pytest.approx(metrics.r2_score(labels, scores)),
        "Spearman": pytest.approx(stats.spearmanr(labels, scores).statistic, abs=1e-4),
    }


@pytest.mark.parametrize("given", [classes(), numbers()], ids=["classes", "numbers"])
def test_the_draws_lie_around_the_metrics(given):
    draws, found = given.draws(), given.metrics()
    assert draws.keys() == found.keys()
    for name, values in draws.items():
        low, high = np.percentile(values, [2.5, 97.5])
        assert low < found[name] < high
        assert high - low < 0.2 * abs(found[name])


def test_what_cannot_be_measured_is_said():
    labels = np.array([0, 1, 2])
    assert classes().measurable and numbers().measurable
    assert not ScoredClasses(np.zeros(3), np.full((3, 3), 0.3)).measurable
    assert not ScoredClasses(labels, np.array([[0.5, 0.5, np.nan]] * 3)).measurable
    assert not ScoredClasses(labels, np.array([[0.5, 0.5, 1.5]] * 3)).measurable
    assert not ScoredNumbers(np.ones(3), np.arange(3)).measurable
    assert not ScoredNumbers(labels, np.array([1, 2, np.inf])).measurable


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_each_task_has_its_measure_with_all_of_its_metrics(task):
    of = {"binary": np.array([0.2, 0.8]), "multiclass": np.full((2, 2), 0.5), "regression": np.array([1.0, 3.0])}
    made = scored(task, np.array([0, 1]), of[task.name])
    assert {each.name for each in (*task.metrics, *task.beside)} <= made.metrics().keys()
    assert isinstance(made, {"binary": Scored, "multiclass": ScoredClasses, "regression": ScoredNumbers}[task.name])


def test_a_large_error_is_written_without_an_exponent():
    shown = [REGRESSION.decides.figure(value) for value in (0.01234, 3.01, 999.94, 123456.7)]
    assert shown == ["0.01234", "3.010", "999.9", "123,457"]
    assert MULTICLASS.decides.figure(0.62831) == "0.628"


def test_what_is_lost_is_a_share_where_there_is_a_unit():
    assert REGRESSION.decides.loss(2.0, 2.5) == pytest.approx(0.25)
    assert MULTICLASS.decides.loss(0.8, 0.7) == pytest.approx(0.1)
    calibration = TASKS["binary"].metrics[3]
    assert calibration.loss(0.9, 1.3) == pytest.approx(0.2)
