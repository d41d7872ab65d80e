"""Who is first, and by more than the noise of days: on invented answers of known quality."""

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks.quality.compared import NETWORK, Difference, Month, differences, firsts, measure, verdict

DAYS, ROWS = 30, 200  # of a month, and of a day


def month(seed: int, **noise: float) -> Month:
    """Make a month; the answers of each model are the true log-odds with so much noise."""
    random = np.random.default_rng(seed)
    truth = random.normal(-1, 1.5, DAYS * ROWS)
    labels = (random.random(len(truth)) < 1 / (1 + np.exp(-truth))).astype(int)
    answers = {name: 1 / (1 + np.exp(-truth - random.normal(0, level, len(truth)))) for name, level in noise.items()}
    return Month(labels, np.repeat(np.arange(DAYS), ROWS), answers)


@pytest.fixture(scope="module")
def months() -> list[Month]:
    return [month(seed, network=0.5, better=0.1, alike=0.5, worse=2.0) for seed in range(3)]


@pytest.fixture(scope="module")
def found(months) -> dict[str, dict[str, Difference]]:
    return differences(months)


def test_a_difference_is_that_of_the_means(months, found):
    for metric in ("AUC", "log loss"):
        means = {
            name: np.mean([measure(each.labels, each.answers[name])[metric] for each in months]) for name in months[0].answers
        }
        for name, difference in found[metric].items():
            assert difference.mean == pytest.approx(means[name] - means[NETWORK], abs=1e-4)
            assert difference.low < difference.mean < difference.high


def test_noise_is_told_from_a_distance(found):
    for each in found.values():
        assert {name for name, difference in each.items() if difference.is_noise} == {"alike"}


def test_it_is_the_same_each_time(months, found):
    assert differences(months) == found


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ({"better", "alike", "worse"}, "AUC: better is first, by +"),
        ({"worse"}, "AUC: the network is first."),
    ],
)
def test_the_verdict(found, left, said):
    chosen = {name: difference for name, difference in found["AUC"].items() if name in left}
    assert verdict("AUC", chosen).startswith(said)
    assert verdict("AUC", chosen).endswith("behind it by more than noise." if "better" in left else "first.")


def test_months_first_are_counted_by_what_is_better():
    results = pd.DataFrame(
        {"month": list("aabb"), "model": ["x", "y"] * 2, "AUC": [0.7, 0.6, 0.7, 0.7], "log loss": [0.5, 0.4, 0.5, 0.4]}
    ).assign(**{"average precision": 0.5, "ECE": [0.1, 0.2, 0.2, 0.1]})
    counts = firsts(results)
    assert counts.loc["x"].to_dict() == {"AUC": 2, "average precision": 2, "log loss": 0, "ECE": 1}
    assert counts.loc["y"].to_dict() == {"AUC": 1, "average precision": 2, "log loss": 2, "ECE": 1}
