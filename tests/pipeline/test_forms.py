"""What a form is told of a problem: its features, and what the codes in codes.csv stand for."""

import pytest

from components.shared.errors import BadConfig
from pipeline.forms import form_fields
from pipeline.problem import Problem

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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("feature,code\ndepot,A\n", "codes.csv, line 2, is not understood: KeyError.'words'"),
        ("", "codes.csv has no places"),
        (CODES.replace("48.9", "north"), "codes.csv, line 2, is not understood: ValueError.*north"),
        (CODES.replace("48.9", "nan"), "line 2, is not understood: ValueError.*latitude = nan"),
        (CODES.replace("-74", "-740"), "line 3, is not understood: ValueError.*longitude = -740"),
        (CODES.replace("48.9,2.4", "48.9,"), "line 2, is not understood: ValueError"),
        (CODES.replace("elsewhere,,", "elsewhere"), "line 4, is not understood: AttributeError"),
        (CODES + "town,X,York,,\n", "line 5, is not understood: ValueError.*a second line of town, X"),
        (CODES.replace("depot,", "depo,"), "codes.csv has codes of depo; expected those of categorical features: depot, town"),
        (CODES.replace("town,Y", "way,Y"), "codes.csv has codes of way; expected those of categorical features"),
    ],
)
def test_codes_that_do_not_fit_are_refused(problem, tmp_path, content, message):
    (tmp_path / "codes.csv").write_text(content)
    with pytest.raises(BadConfig, match=message):
        form_fields(problem)


def test_codes_that_are_no_utf_8_are_refused(problem, tmp_path):
    (tmp_path / "codes.csv").write_bytes(CODES.replace("Paris", "Köln").encode("latin-1"))
    with pytest.raises(BadConfig, match=r"is not understood: UnicodeDecodeError.*Expected the columns feature, code"):
        form_fields(problem)
