"""Whatever kinds of features a problem has: preprocessing, network, signatures and the phone's file give the same answers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.mobile_exporter import special_values
from components.mobile_exporter.convert import quantized, to_tflite
from components.mobile_exporter.executor import feature_card
from components.mobile_exporter.replay import TransformGraph
from components.shared.phone import awkward_rows, checks
from components.shared.phone.runtime import TFLiteModel
from components.shared.values import MISSING
from pipeline.model import network
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.model.signatures import ServingModel
from pipeline.problem import Kind, Problem, inputs, of_kind
from tests import neutral, transforms

SETS = {f"without {kind.value}": neutral.without(kind) for kind in Kind}
SETS |= {f"{name} alone": [name] for name in ("price", "shop", "weekday", "shop_share", "gift")}
SETS["all"] = list(neutral.DECLARED)
CASES = [*((kept, True) for kept in SETS.values()), (SETS["all"], False)]


@pytest.fixture(scope="module", params=CASES, ids=[*SETS, "none optional"])
def problem(request) -> Problem:
    return neutral.problem(*request.param)


@pytest.fixture(scope="module")
def rows(problem) -> dict[str, np.ndarray]:
    """As clients send them."""
    made = neutral.rows(each=100, optional=any(feature.optional for feature in problem.features))
    return {
        name: np.array([value.encode() if isinstance(value, str) else MISSING[dtype] for value in made[name]], object)
        if dtype == "string"
        else made[name].to_numpy(dtype)
        for name, dtype in problem.columns.items()
    }


@pytest.fixture(scope="module")
def folder(problem, rows, tmp_path_factory):
    """Where tf.Transform's graph is."""
    folder = tmp_path_factory.mktemp("transform")
    transforms.write(problem, rows, folder)
    return folder


@pytest.fixture(scope="module")
def model(problem, folder, tmp_path_factory):
    """The network, not trained, as it is saved with its preprocessing."""
    transform = tft.TFTransformOutput(str(folder))
    sizes = {each.name: len(transform.vocabulary_by_name(each.name)) for each in of_kind(problem.features, Kind.CATEGORICAL)}
    keras.utils.set_random_seed(1)
    built = network.build(problem.features, Hyperparameters(**neutral.HYPERPARAMETERS), sizes)
    saved = tmp_path_factory.mktemp("model")
    ServingModel(built, transform, problem).save(str(saved))
    return tf.saved_model.load(str(saved))


def test_any_set_of_kinds_is_served_and_exported(problem, rows, folder, model):
    columns = inputs(problem.features)
    real = {name: rows[name] for name in columns}
    cards = [
        feature_card(feature.model_dump(mode="json") | {"dtype": feature.dtype}, neutral.schema(problem), {})
        for feature in problem.features
    ]
    awkward = awkward_rows.make(cards, real)
    file = to_tflite(model, TransformGraph(f"{folder}/transform_fn"), columns, batch=None)
    checks.check(file, columns, real, 400, problem.task)
    special_values.check(file, awkward)
    for asked in (real, awkward.columns):
        expected = model.signatures["raw"](**{name: tf.constant(asked[name], dtype) for name, dtype in columns.items()})
        np.testing.assert_allclose(TFLiteModel(file)(asked), expected["probability"], atol=1e-5)
        assert np.std(expected["probability"]) > 0
    one_row = to_tflite(model, TransformGraph(f"{folder}/transform_fn"), columns, batch=1)
    few = {name: column[:20] for name, column in real.items()}
    half = TFLiteModel(quantized(one_row, "float16"))(few)
    np.testing.assert_allclose(half, TFLiteModel(file)(few), atol=1e-3)


@pytest.mark.parametrize("missing_text", ["absent", "empty"])
def test_every_signature_gives_the_same_probability(problem, rows, model, missing_text):
    columns = inputs(problem.features)
    examples = tf.constant(
        [example(row, columns, missing_text) for row in transforms.by_row({name: rows[name][:50] for name in columns})]
    )
    raw = {name: tf.constant(rows[name][:50], dtype) for name, dtype in columns.items()}
    expected = model.signatures["raw"](**raw)["probability"].numpy()
    answers = {name: model.signatures[name](examples) for name in ("serving_default", "transform_features")}
    answers |= {name: model.signatures[name](inputs=examples) for name in ("classify", "regress")}
    np.testing.assert_allclose(answers["serving_default"]["probability"], expected, rtol=1e-5)
    np.testing.assert_allclose(answers["classify"]["scores"][:, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(answers["regress"]["outputs"], expected, rtol=1e-5)
    assert set(answers["transform_features"]) == {name for feature in problem.features for name in feature.prepared}


def example(row: dict, columns: dict[str, str], missing_text: str) -> bytes:
    made = tf.train.Example()
    for name, dtype in columns.items():
        if dtype == "string" and (row[name] or missing_text == "empty"):
            made.features.feature[name].bytes_list.value.append(row[name])
        elif dtype == "int64":
            made.features.feature[name].int64_list.value.append(row[name])
        elif dtype == "float32" and not np.isnan(row[name]):
            made.features.feature[name].float_list.value.append(row[name])
    return made.SerializeToString()
