"""What is told of a problem: to a form its features and what the codes in codes.csv stand for, to a training its columns."""

import pytest

from components.shared.errors import BadConfig
from pipeline.problem import Declaration, Kind, Problem, form_fields

FEATURES = {
    "depot": {"kind": "categorical", "words": "From"},
    "town": {"kind": "categorical"},
    "way": {"kind": "numeric", "unit": "km", "form": "distance", "between": ("depot", "town")},
}
CODES = "feature,code,words,latitude,longitude\ndepot,A,Paris,48.9,2.4\ntown,X,New York,40.7,-74\ntown,Y,elsewhere,,\n"


@pytest.fixture
def problem(tmp_path) -> Problem:
    (tmp_path / "codes.csv").write_text(CODES)
    return Problem.model_validate(
        {"folder": str(tmp_path), "model": "parcels", "label": "broken", "date": "date", "features": FEATURES}
    )


def test_a_feature_has_its_words_and_those_of_its_codes(problem):
    depot, town, way = form_fields(problem)
    assert (depot["words"], depot["value_words"], depot["places"]) == ("From", {"A": "Paris"}, {"A": (48.9, 2.4)})
    assert (town["value_words"], town["places"]) == ({"X": "New York", "Y": "elsewhere"}, {"X": (40.7, -74.0)})
    assert (way["form"], tuple(way["between"]), way["dtype"]) == ("distance", ("depot", "town"), "float32")


@pytest.mark.parametrize("content", [None, CODES.replace("town,X,New York,40.7,-74", "town,X,New York,,")])
def test_a_distance_without_places_is_refused(problem, tmp_path, content):
    (tmp_path / "codes.csv").unlink() if content is None else (tmp_path / "codes.csv").write_text(content)
    with pytest.raises(BadConfig, match=r"codes.csv has no places of .*town, between which way is a distance. Expected latit"):
        form_fields(problem)


@pytest.mark.parametrize("content", ["feature,code\ndepot,A\n", CODES.replace("48.9", "north")])
def test_codes_that_are_not_understood_are_refused(problem, tmp_path, content):
    (tmp_path / "codes.csv").write_text(content)
    with pytest.raises(BadConfig, match=r"codes.csv is not understood: .*Expected the columns feature, code, words"):
        form_fields(problem)


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
