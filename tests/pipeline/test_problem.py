"""What a training is told of a problem, and which names its columns can have."""

import pytest
from pydantic import ValidationError

from pipeline.problem import Declaration, Kind, Problem

FEATURES = {
    "depot": {"kind": "categorical", "words": "From"},
    "town": {"kind": "categorical"},
    "way": {"kind": "numeric", "unit": "km", "form": "distance", "between": ("depot", "town")},
}


@pytest.fixture
def problem() -> Problem:
    return declared(FEATURES)


def declared(features: dict, label: str = "broken") -> Problem:
    return Problem.model_validate({"folder": "p", "model": "parcels", "label": label, "date": "date", "features": features})


def test_a_training_is_told_nothing_that_only_people_read(problem):
    """It is in the cache keys of Transform, Trainer and Tuner: another word on a button must not train again."""
    told = problem.declaration()
    features = {name: {"kind": feature["kind"]} for name, feature in FEATURES.items()}
    others = {"folder": "elsewhere", "model": "other", "date": "day", "words": {"title": "Other"}}
    assert Problem.model_validate({"label": "broken", "features": features, **others}).declaration() == told
    read = Declaration.model_validate(told)
    assert (read.label, [(each.name, each.kind) for each in read.features]) == (
        "broken",
        [("depot", Kind.CATEGORICAL), ("town", Kind.CATEGORICAL), ("way", Kind.NUMERIC)],
    )
    features["way"] = {"kind": "numeric", "optional": True}
    assert Problem.model_validate({"label": "broken", "features": features, **others}).declaration() != told


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["no name"], "no tensor can have this name; expected a letter, then letters, digits and _"),
        (["2nd"], "no tensor can have this name"),
        (["_hidden"], "no tensor can have this name"),
        (["größe"], "no tensor can have this name"),
        (["a" * 101], "no tensor can have this name"),
        (["class"], "a word of Python, which TensorFlow refuses as an input's name. Rename the column"),
        (["self"], "a word of Python"),
        (["price", "Price"], "Price, price is declared twice; expected label, date and each feature under a name of its own"),
        (["Broken"], "Broken, broken is declared twice"),
        (["size", "size_missing"], "size_missing is a column, and what preparation makes of size; expected another name"),
    ],
)
def test_a_name_that_no_signature_can_have_is_refused(names, message):
    with pytest.raises(ValidationError, match=message):
        declared({name: {"kind": "numeric", "optional": True} for name in names})


def test_other_names_will_do():
    """The label is no input of the model, and a hundred characters are not too many."""
    assert declared({"a" * 100: {"kind": "numeric"}}, label="class").features


def test_no_feature_is_called_as_the_answer_is():
    """A table of rows and answers would have two columns of that name."""
    with pytest.raises(ValueError, match="prediction is what the model's answer is called; expected another name"):
        Problem(folder="x", model="x", task="regression", label="y", features={"prediction": {"kind": "numeric"}})
    Problem(folder="x", model="x", label="y", features={"prediction": {"kind": "numeric"}})
