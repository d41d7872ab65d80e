"""What was trained in another precision is published in float32: phones know no other."""

import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.shared.phone import file
from pipeline.model import network, training
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.problem import Kind
from tests import neutral

FEATURES = neutral.problem().features
SIZES = {feature.name: 10 for feature in FEATURES if feature.kind is Kind.CATEGORICAL}


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16"])
def trained(request):
    """A network, with features of each kind, as it is trained."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield build()
    keras.config.set_dtype_policy(before)


def build() -> keras.Model:
    return network.build(FEATURES, Hyperparameters(**neutral.HYPERPARAMETERS), SIZES)


def prepared(model: keras.Model, rows: int) -> dict[str, tf.Tensor]:
    random = np.random.default_rng(1)
    return {name: tf.constant(random.uniform(0.1, 0.9, rows).astype(given.dtype)) for name, given in model.input.items()}


def test_it_answers_as_the_trained_one_and_converts_for_phones(trained):
    assert Kind.CYCLIC in {feature.kind for feature in FEATURES}
    found = training.in_float32(trained, build)
    rows = prepared(found, 50)
    np.testing.assert_allclose(found(rows), trained(rows), atol=0.02)
    module = tf.Module()
    module.kept = [weight.value for weight in found.weights]
    specs = {name: tf.TensorSpec([1], given.dtype, name=name) for name, given in found.input.items()}
    function = tf.function(lambda given: {"answer": found(given, training=False)}, input_signature=[specs], autograph=False)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"score": function})
        content = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["score"]).convert()
    assert {"SIN", "COS"} <= {name.partition(" ")[0] for name in file.operators(content)}
