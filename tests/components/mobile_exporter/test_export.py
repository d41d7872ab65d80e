"""What the exporter of a run left."""

import numpy as np
import pytest
import tensorflow as tf

from components.mobile_exporter import special_values
from components.mobile_exporter.convert import VARIANTS
from components.model_store import store
from components.shared.errors import NotConvertible
from components.shared.phone import awkward_rows, card, checks, file
from components.shared.phone.card import FILE
from components.shared.phone.runtime import TFLiteModel
from components.shared.tasks import BINARY
from pipeline.local import record
from tests import neutral

LIMITS = {"float32": 1e-5, "float16": 1e-3, "dynamic_int8": 0.05, "weight_int8": 0.05}
TEXTS = ("shop", "country")


@pytest.fixture(scope="module")
def exported(parcel_runs) -> dict[str, bytes]:
    folder = record.last_run(parcel_runs.root / "metadata.db")["MobileExporter"]["mobile_model"].uri
    return {name: open(f"{folder}/variants/{name}.tflite", "rb").read() for name in VARIANTS}  # noqa: PTH123


@pytest.fixture(scope="module")
def published(parcel_runs):
    return store.production(parcel_runs.mobile)


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    """500 rows of the newest month as raw columns."""
    return neutral.raw(neutral.rows().tail(500))


@pytest.fixture(scope="module")
def served(parcel_runs):
    return tf.saved_model.load(str(store.production(parcel_runs.serving).folder)).signatures["raw"]


def expected(served, rows) -> np.ndarray:
    return served(**{name: tf.constant(column) for name, column in rows.items()})["probability"].numpy()


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_answers_like_the_server(exported, served, rows, variant):
    answers = TFLiteModel(exported[variant])(rows)
    assert answers.std() > 0.01
    np.testing.assert_allclose(answers, expected(served, rows), atol=LIMITS[variant])


def test_only_builtin_operations_and_small(exported):
    for content in exported.values():
        names = file.operators(content)
        assert "HASHTABLE_FIND" in names
        assert not [name for name in names if name.startswith(("CUSTOM", "VAR_HANDLE"))]
    assert len(exported["float16"]) < len(exported["float32"]) < 400_000


def test_javas_strings_with_a_nul_find_their_category(exported, rows):
    model = TFLiteModel(exported["float16"])
    one = {name: column[:1] for name, column in rows.items()}
    with_nul = one | {name: np.array([one[name][0].encode() + b"\0"], object) for name in TEXTS}
    unknown = one | {name: np.array([b"nowhere"], object) for name in TEXTS}
    assert model(with_nul)[0] == model(one)[0] != model(unknown)[0]


def test_what_is_published_is_the_default_variant_with_its_card_inside(published, exported, parcel_runs):
    content = (published.folder / "model.tflite").read_bytes()
    assert content.startswith(exported["float16"])
    store.verify(published)
    stated = card.read(published.folder / "model.tflite")
    assert stated == card.ModelCard.model_validate_json((published.folder / FILE).read_text())
    server = store.production(parcel_runs.serving)
    assert (stated.version, stated.variant, stated.span) == (server.number, "float16", server.manifest.span)
    assert published.number == server.number
    assert stated.metrics == pytest.approx(server.manifest.overall)
    assert [feature.name for feature in stated.features] == [feature.name for feature in neutral.FEATURES]
    country = next(feature for feature in stated.features if feature.name == "country")
    assert country.values == [*neutral.COUNTRIES]


def test_the_card_has_the_base_rate_and_typical_values_of_training(published):
    stated, made = card.read(published.folder / "model.tflite"), neutral.rows()
    window = made[made[neutral.DATE].between("2024-02-01", "2024-03-21")]  # the last ten days of March are evaluated
    assert stated.base_rate == pytest.approx(window[neutral.LABEL].mean())
    typical = {feature.name: feature.typical for feature in stated.features}
    assert typical["price"] == pytest.approx(window.price.median(), abs=1)
    assert [typical[name] for name in ("shop", "weekday", "gift", "shop_share")] == [None] * 4


def test_the_export_has_no_operation_that_runtimes_do_differently(exported, published, rows):
    texts = {
        name: np.array([value.encode() for value in column], object) if column.dtype == object else column
        for name, column in rows.items()
    }
    awkward = awkward_rows.make(card.read(published.folder / "model.tflite").features, texts)
    special_values.check(exported["float32"], awkward)


def test_golden_rows_get_their_scores(published):
    from tflite import rows as raw_rows  # noqa: PLC0415

    path = published.folder / "model.tflite"
    stated = card.read(path)
    assert len(stated.golden) == 20
    scores = TFLiteModel(path.read_bytes())(raw_rows.columns([golden.row for golden in stated.golden], stated))
    assert scores.tolist() == [pytest.approx(golden.score, abs=1e-7) for golden in stated.golden]
    assert len(set(scores.tolist())) > 10


def test_a_file_that_is_too_large_or_has_other_names_is_refused(exported, rows):
    names = list(rows)
    with pytest.raises(NotConvertible, match=r"has \d+ KB; expected at most 1 "):
        checks.check(exported["float16"], names, rows, 1, BINARY)
    with pytest.raises(NotConvertible, match=r"expected serving_default of \['country', .* to probability"):
        checks.check(exported["float16"], names[1:], rows, 400, BINARY)
    checks.check(exported["float16"], names, rows, 400, BINARY)


def converted(module: tf.Module, function, **options) -> bytes:
    folder = options.pop("folder")
    tf.saved_model.save(module, folder, signatures={"serving_default": function})
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    for name, value in options.items():
        setattr(converter.target_spec, name, value)
    return converter.convert()


def small(body, folder, **options) -> bytes:
    module = tf.Module()
    function = tf.function(lambda x: {"probability": body(x)}, input_signature=[tf.TensorSpec([1], tf.float32, name="x")])
    return converted(module, function, folder=str(folder), **options)


def test_no_numbers_are_refused(tmp_path):
    content = small(tf.math.log, tmp_path)
    checks.check(content, ["x"], {"x": np.array([0.9, 1.5], "float32") + 0.1}, 400, BINARY)
    with pytest.raises(NotConvertible, match=r"1 of 2 answers are no numbers.*Were the weights saved"):
        checks.check(content, ["x"], {"x": np.array([-1, 2], "float32")}, 400, BINARY)


def test_operations_from_outside_are_refused(tmp_path):
    flex = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    content = small(lambda x: tf.linalg.det(tf.reshape(x, [1, 1, 1])), tmp_path, supported_ops=flex)
    with pytest.raises(NotConvertible, match=r"The file has CUSTOM FlexMatrixDeterminant; expected builtin operations only"):
        checks.check(content, ["x"], {"x": np.ones(1, "float32")}, 400, BINARY)


def test_weights_that_were_not_saved_are_refused(tmp_path):
    """Variables kept as variables are what a Keras 3 model becomes that nobody tracked."""
    module = tf.Module()
    module.weight = tf.Variable([0.5])
    spec = [tf.TensorSpec([1], tf.float32, name="x")]
    function = tf.function(lambda x: {"probability": x * module.weight.assign_add([0.0])}, input_signature=spec)
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": function})
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path))
    converter.experimental_enable_resource_variables = True
    content = converter.convert()
    with pytest.raises(
        NotConvertible, match=r"The file has .*VAR_HANDLE.*expected builtin operations only, and weights as const"
    ):
        checks.check(content, ["x"], {"x": np.ones(1, "float32")}, 400, BINARY)
