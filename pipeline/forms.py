"""What a form asks for: the features of a problem, and what the codes of its categories stand for, from `codes.csv`."""

import csv
from pathlib import Path
from typing import Any

from components.shared.errors import BadConfig
from pipeline.problem import Kind, Problem

COLUMNS = ("feature", "code", "words", "latitude", "longitude")
ENDS = {"latitude": 90, "longitude": 180}  # degrees to either side


def form_fields(problem: Problem) -> list[dict[str, Any]]:
    """Describe the features as a form asks for them, with what their codes stand for. Raises BadConfig, as `codes`."""
    file = Path(problem.folder) / "codes.csv"
    told = codes(file)
    categories = [feature.name for feature in problem.features if feature.kind is Kind.CATEGORICAL]
    if strange := [name for name in told if name not in categories]:
        raise BadConfig(
            f"{file} has codes of {', '.join(strange)}; expected those of categorical features: {', '.join(categories)}. "
            "Correct or remove these lines."
        )
    for feature in problem.features:
        if lacking := [end for end in feature.between or () if not told.get(end, {}).get("places")]:
            raise BadConfig(
                f"{file} has no places of {' and '.join(lacking)}, between which {feature.name} is a "
                "distance. Expected latitude and longitude of their codes."
            )
    return [
        feature.model_dump(mode="json") | {"dtype": feature.dtype} | told.get(feature.name, {}) for feature in problem.features
    ]


def codes(file: Path) -> dict[str, dict[str, Any]]:
    """Read `codes.csv` of a problem, if there is one: what the codes of its categories stand for.

    Returns:
        By feature: `value_words`, code to words, and `places`, code to latitude and longitude in degrees where it has them.

    Raises:
        BadConfig: a column is missing, a code has two lines, or a place is not a pair of degrees.
    """
    if not file.exists():
        return {}
    found: dict[str, dict[str, Any]] = {}
    number = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            for row in reader:
                number = reader.line_num
                feature, code, words, *place = (row[column].strip() for column in COLUMNS)
                told = found.setdefault(feature, {"value_words": {}, "places": {}})
                if code in told["value_words"]:
                    raise ValueError(f"a second line of {feature}, {code}")
                told["value_words"][code] = words
                if any(place):
                    told["places"][code] = tuple(map(_degrees, place, ENDS))
    except (OSError, KeyError, ValueError, AttributeError, csv.Error) as error:
        raise BadConfig(
            f"{file}, line {number}, is not understood: {error!r}. Expected the columns {', '.join(COLUMNS)}, a line a code, "
            "the last two in degrees or empty."
        ) from error
    return found


def _degrees(text: str, name: str) -> float:
    degrees = float(text)
    if not abs(degrees) <= ENDS[name]:
        raise ValueError(f"{name} = {text}")
    return degrees
