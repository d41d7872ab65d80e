import keras
import numpy as np
import pytest

from pipeline.model import network
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.problem import Kind
from tests.neutral import FEATURES

SETTINGS = Hyperparameters(
    learning_rate=0.01, weight_decay=0.0, hidden_units=[16, 8], members=4, dropout=0.5, embedding_dropout=0.5
)
SIZES = {feature.name: 3 for feature in FEATURES if feature.kind is Kind.CATEGORICAL}


def prepared(rows: int, **values) -> dict[str, np.ndarray]:
    """Prepared features: `values`, else zeros, and even odds."""
    names = {name: feature.kind for feature in FEATURES for name in feature.prepared}
    zeros = {name: np.zeros(rows, "int64" if kind is Kind.CATEGORICAL else "float32") for name, kind in names.items()}
    zeros |= {name: zeros[name] + 0.5 for name, kind in names.items() if kind is Kind.SHARE}
    return zeros | {name: np.asarray(value, zeros[name].dtype) for name, value in values.items()}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return network.build(FEATURES, SETTINGS, SIZES)


def test_each_member_answers_for_itself(model):
    answers = model(prepared(5, distance=[-2, -1, 0, 1, 2])).numpy()
    assert answers.shape == (5, SETTINGS.members) and answers.dtype == np.float32
    assert (np.std(answers, axis=1) > 0).all()


def test_the_declared_shares_are_the_prior(model):
    """Even odds to three to one is the declared weight times log 3 more in every member's log-odds."""
    shares = [feature for feature in FEATURES if feature.kind is Kind.SHARE]
    assert shares and all(0 < feature.prior < 1 for feature in shares)
    for feature in shares:
        answers = model(prepared(2, **{feature.name: [0.5, 0.75]})).numpy()
        low, high = np.log(answers / (1 - answers))
        np.testing.assert_allclose(high - low, feature.prior * np.log(3), rtol=1e-4)


def test_the_parts_in_a_row_are_the_network(model):
    features = prepared(3, price=[-1, 0, 1], shop=[0, 1, 3])
    flow = features
    parts = network.with_weights(network.parts(FEATURES, SETTINGS, SIZES), model)
    assert len(parts) == 2 + len(SETTINGS.hidden_units)
    for part in parts:
        flow = part(flow)
    assert sum(len(part.weights) for part in parts) == len(model.weights)
    np.testing.assert_allclose(flow, model(features), rtol=1e-6)


def test_a_few_new_keys_leave_the_width_of_an_embedding():
    assert [network.embedding_size(size) for size in (4, 13, 14, 90, 105)] == [4, 8, 8, 16, 16]
