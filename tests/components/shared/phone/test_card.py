import zipfile

import pytest

from components.shared.errors import CorruptModel
from components.shared.phone import card
from components.shared.phone.card import FeatureCard, Golden, ModelCard

CARD = ModelCard(
    model="flight_delay",
    version=3,
    variant="float16",
    span="2013-05",
    window=["2013-03", "2013-04", "2013-05"],
    rows={"train": 3, "eval": 1},
    label="late",
    signature="serving_default",
    output="probability",
    threshold=0.5,
    missing={"string": "", "float32": "NaN"},
    features=[FeatureCard(name="holiday", kind="flag", dtype="int64", minimum=0, maximum=1)],
    metrics={"auc": 0.7},
    golden=[Golden(row={"holiday": 1, "temp": None, "carrier": "UA", "humid": 0.5}, score=0.25)],
)


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
