"""What the columns of the table became that a problem was made of: for messages to who asks with rows of that table."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.shared.errors import OtherColumns
from components.shared.errors import shown as shown_text
from components.shared.problem_folder import shown

DECISIONS, MADE_OF = "decisions.json", "made_of"  # the file that `adopt` writes, and its key: of inputs that are no column
REQUEST = "request.json"


@contextmanager
def explained(problem: Path) -> Iterator[None]:
    """Add to a message about rows of other columns what is known of the problem. Raises OtherColumns."""
    try:
        yield
    except OtherColumns as error:
        raise OtherColumns(f"{error} {hint(problem, error.inputs)}".rstrip(), error.inputs) from error


def hint(problem: Path, inputs: Collection[str]) -> str:
    """Say where a row as the model wants it is, and which inputs are what of the table.

    Args:
        problem: its folder.
        inputs: what the model takes; where the problem's request has others, the model is another one's, and nothing is said.
    """
    rows = _read(problem / REQUEST).get("instances")
    if not (isinstance(rows, list) and rows and isinstance(rows[0], dict) and set(rows[0]) <= set(inputs)):
        return ""
    made_of = _read(problem / DECISIONS).get(MADE_OF) or {}
    told = "; ".join(f"{name} is {shown_text(column)}" for name, column in made_of.items() if name in inputs)
    first = f"One row as it has to be is in {shown(problem / REQUEST)}."
    return f"{first} From the columns of its table: {told}." if told else first


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # a hint is no reason for another error
        return {}
    return found if isinstance(found, dict) else {}
