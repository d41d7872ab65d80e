import numpy as np
import pytest

from components.run_report.importance import importance

ROWS = 2000


def columns() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "noise": random.uniform(size=ROWS),
        "signal": random.uniform(size=ROWS),
        "airline": random.choice(np.array([b"A", b"B"], object), ROWS),
    }


def score(of) -> np.ndarray:
    """Does not look at the noise."""
    return 0.8 * of["signal"] + 0.2 * (of["airline"] == b"A")


def labels(of) -> np.ndarray:
    return (np.random.default_rng(1).uniform(size=ROWS) < score(of)).astype(int)


def test_what_the_model_uses_is_told_from_what_it_does_not():
    given = columns()
    found = importance(score, given, labels(given))
    assert [each.feature for each in found] == ["signal", "airline", "noise"]
    assert found[0].auc_loss > 0.15
    assert 0 < found[1].auc_loss < 0.1
    assert (found[2].auc_loss, found[2].spread) == (0, 0)
    assert 0 < found[0].spread < 0.03


def test_a_perfect_feature_loses_what_is_better_than_chance():
    given = columns()
    truth = (given["signal"] > 0.5).astype(int)
    [signal, *_] = importance(lambda of: of["signal"], given, truth)
    assert signal.auc_loss == pytest.approx(0.5, abs=0.04)


def test_it_is_repeatable_and_leaves_its_rows_as_they_were():
    given, truth = columns(), labels(columns())
    first = importance(score, given, truth)
    assert importance(score, given, truth) == first
    for name, column in columns().items():
        np.testing.assert_array_equal(given[name], column)
