"""Random rows, valid and odd, to the SavedModel and to the file of one training: the same answer, or the same refusal."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.model_store import store
from components.shared.phone.runtime import TFLiteModel
from tests.neutral import FEATURES, raw
from tests.neutral import rows as made

SHARES = ("shop_share", "country_share")
NUMBERS = st.one_of(
    st.just(float("nan")),
    st.floats(-100, 5000, width=32),
    st.floats(width=32),  # infinity too
    st.sampled_from([0.0, -0.0, 1.0, 2.0**-126, 1e-6]),
)
TEXTS = st.one_of(
    st.sampled_from(["books", "toys", "DE", "AT", "", "__missing__"]), st.text(st.characters(codec="utf-8"), max_size=20)
)
FLAGS = st.integers(-(2**63), 2**63 - 1)
VALUES = {"string": TEXTS, "float32": NUMBERS, "int64": FLAGS}
ROWS = st.lists(st.fixed_dictionaries({feature.name: VALUES[feature.dtype] for feature in FEATURES}), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def models(parcel_runs):
    serving = store.production(parcel_runs.serving).folder
    content = (store.production(parcel_runs.mobile).folder / "model.tflite").read_bytes()
    both = [TFLiteModel(content), TFLiteModel(content, delegates=False)]
    return tf.saved_model.load(str(serving)).signatures["raw"], both


def column(rows: list[dict], name: str, dtype: str) -> np.ndarray:
    return np.array([row[name] for row in rows], object if dtype == "string" else dtype)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_the_same_score(models, rows):
    served, mobile = models
    columns = {feature.name: column(rows, feature.name, feature.dtype) for feature in FEATURES}
    expected = served(**{feature.name: tf.constant(columns[feature.name], feature.dtype) for feature in FEATURES})[
        "probability"
    ]
    for model in mobile:
        answers = model(columns)
        assert np.isfinite(answers).all()
        np.testing.assert_allclose(answers, expected.numpy(), atol=1e-3)


@pytest.mark.parametrize("absent", [SHARES, SHARES[:1], SHARES[1:]], ids=" and ".join)
def test_a_request_without_shares(models, absent):
    """With XNNPACK, without, and as a server answers it. NaN once came out of a MINIMUM as 0.99 on one of the three."""
    served, mobile = models
    columns = raw(made().dropna().tail(1))
    whole = mobile[0](columns)
    columns |= {name: np.array([np.nan], "float32") for name in absent}
    [expected] = served(**{name: tf.constant(values) for name, values in columns.items()})["probability"].numpy()
    assert [model(columns)[0] for model in mobile] == pytest.approx([expected, expected], abs=1e-4)
    assert abs(expected - whole[0]) < 0.2, "a mean share is no extreme one"


@pytest.mark.parametrize("damage", ["a column less", "a text for a number", "a number for a text"])
def test_the_same_refusal(models, damage):
    served, [mobile, _] = models
    values = {"string": ["books"], "float32": [1.0], "int64": [0]}
    columns = {
        feature.name: np.array(values[feature.dtype], object if feature.dtype == "string" else feature.dtype)
        for feature in FEATURES
    }
    assert 0 < mobile(columns)[0] < 1
    if damage == "a column less":
        del columns["weight"]
    elif damage == "a text for a number":
        columns["weight"] = np.array(["heavy"], object)
    else:
        columns["shop"] = np.array([7.0])
    with pytest.raises((ValueError, KeyError, TypeError, RuntimeError)):
        mobile(columns)
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
        served(**{name: tf.constant(values) for name, values in columns.items()})
