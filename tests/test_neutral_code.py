"""Nothing outside the problem's folder knows what is predicted: no word of the example is in the code."""

import re

import pytest
from conftest import REPOSITORY

WHERE = ("pipeline", "components", "serving", "tflite", "Dockerfile")
BUILT = {"__pycache__", "build", ".gradle", ".kotlin"}  # what tools leave there
TEXTS = {".py", ".toml", ".yaml", ".json", ".j2", ".css", ".js", ".kt", ".kts", ".xml", ".html", ".config", ".conf", ".pro", ""}
# "late" as a word, or as a part of a name; not template, later, latency. A request may be in flight.
EXAMPLE = re.compile(
    r"(?i:(?<!in[ _-])flight|airport|airline|carrier)|(?<![A-Za-z])(?:[Ll]ate(?![a-z])|LATE(?![A-Z]))|(?<=[a-z])Late(?![a-z])"
)


def texts() -> list[str]:
    """The files that are looked at, as paths from the repository."""
    found = [path for top in WHERE for path in ([REPOSITORY / top] if top == "Dockerfile" else (REPOSITORY / top).rglob("*"))]
    files = [path.relative_to(REPOSITORY) for path in found if path.is_file()]
    return sorted(str(path) for path in files if path.suffix in TEXTS and not BUILT & set(path.parts))


def test_no_word_of_the_example_is_in_the_code():
    found = []
    for path in texts():
        lines = enumerate((REPOSITORY / path).read_text(encoding="utf-8").splitlines(), 1)
        found += [f"{path}:{number}: {line.strip()}" for number, line in lines if EXAMPLE.search(line)]
    assert not found, "expected words of the example in data/ only; say it in general, or in problem.toml"


@pytest.mark.parametrize("text", ["flight_delay", "Flights", "is_late", "isLate", "LATE", "carrier=AA", "late.", "FlightCard"])
def test_words_of_the_example_are_found(text):
    assert EXAMPLE.search(text)


@pytest.mark.parametrize(
    "text", ["in flight", "max_in_flight", "template", "later", "latest", "LATEST", "translate", "latency"]
)
def test_other_words_are_none(text):
    assert not EXAMPLE.search(text)
