import json
import zipfile

import pytest
from pydantic import ValidationError

from components.shared.errors import CorruptModel
from components.shared.phone import card
from components.shared.phone.card import FeatureCard, Golden, ModelCard, Words

CARD = ModelCard(
    model="broken_parcel",
    version=3,
    variant="float16",
    span="2013-05",
    window=["2013-03", "2013-04", "2013-05"],
    rows={"train": 3, "eval": 1},
    label="broken",
    signature="serving_default",
    output="probability",
    threshold=0.5,
    missing={"string": "", "float32": "NaN"},
    features=[FeatureCard(name="express", kind="flag", dtype="int64", minimum=0, maximum=1)],
    metrics={"auc": 0.7},
    golden=[Golden(row={"express": 1, "weight": None, "depot": "A", "filled": 0.5}, score=0.25)],
)
DEPOT = FeatureCard(name="depot", kind="categorical", dtype="string", places={"A": (48.9, 2.4)}, value_words={"A": "Paris"})
TOWN = DEPOT.model_copy(update={"name": "town"})
WAY = FeatureCard(name="way", kind="numeric", dtype="float32", unit="km", form="distance", between=("depot", "town"))


def test_the_card_comes_back_and_the_models_bytes_stay(tmp_path):
    content = b"TFL3" * 100
    path = tmp_path / "model.tflite"
    path.write_bytes(card.attach(content, CARD))
    assert path.read_bytes().startswith(content)
    assert card.read(path) == CARD
    assert zipfile.ZipFile(path).namelist() == [card.FILE]


def test_the_same_card_gives_the_same_bytes():
    """Or a model would look like another one at each export."""
    assert card.attach(b"model", CARD) == card.attach(b"model", CARD)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"PK\x05\x06" + b"\0" * 18])
def test_a_file_without_a_card_is_named(tmp_path, content):
    (tmp_path / "model.tflite").write_bytes(content)
    with pytest.raises(CorruptModel, match=r"model.tflite has no readable model card inside"):
        card.read(tmp_path / "model.tflite")


def test_words_are_neutral_unless_they_are_given():
    assert CARD.words.title == "Prediction"
    given = CARD.model_copy(update={"words": Words(title="Will it break?")})
    assert (given.words.title, given.words.row, given.words.positive) == ("Will it break?", "row", "yes")


def test_a_card_of_an_older_pipeline_is_read(tmp_path):
    older = json.loads(CARD.model_dump_json())
    del older["words"]
    for name in ("words", "form", "value_words", "places", "between"):
        del older["features"][0][name]
    path = tmp_path / "model.tflite"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(card.FILE, json.dumps(older))
    assert card.read(path) == CARD


def test_apps_of_older_code_refuse_another_task():
    assert [card.schema_of(task) for task in ("binary", "multiclass", "regression")] == [1, 2, 2]


def test_a_field_is_called_by_its_words_or_its_name():
    assert (TOWN.label, TOWN.model_copy(update={"words": "To"}).label) == ("town", "To")


def test_what_people_are_told_comes_back_from_json():
    whole = ModelCard(**CARD.model_dump() | {"features": [DEPOT, TOWN, WAY], "words": Words(title="Will it break?")})
    assert ModelCard.model_validate_json(whole.model_dump_json()) == whole


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"dtype": "string", "form": "time"}, 'it: form = "time" for a string; expected "choice" or "text" for a string'),
        ({"dtype": "float32", "form": "choice"}, 'it: form = "choice" for a float32; expected'),
        ({"dtype": "int64", "form": "percent"}, 'it: form = "percent" for an int64; expected a float32'),
        ({"dtype": "float32", "form": "wheel"}, "Input should be 'choice', 'time'"),
        ({"dtype": "float32", "form": "distance", "unit": "km"}, 'it: form = "distance" and between come together; expected'),
        ({"dtype": "float32", "between": ("depot", "town")}, 'it: form = "distance" and between come together'),
        (
            {"dtype": "float32", "form": "distance", "unit": "ells", "between": ("depot", "town")},
            'it: a distance in "ells"; expected the unit miles or km',
        ),
    ],
)
def test_a_form_that_cannot_ask_for_the_feature_is_refused(facts, message):
    with pytest.raises(ValidationError, match=message):
        FeatureCard(name="it", kind="numeric", **facts)


@pytest.mark.parametrize("features", [[DEPOT, WAY], [DEPOT, TOWN.model_copy(update={"places": {}}), WAY]])
def test_a_distance_without_ends_is_refused(features):
    with pytest.raises(ValidationError, match=r"way is the distance between depot and town; expected .* but town has none"):
        ModelCard(**CARD.model_dump() | {"features": features})
