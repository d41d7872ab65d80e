"""Read raw rows from a JSON file, as a person writes them for a command line or a program for a server."""

import json
from pathlib import Path
from typing import Any

from components.shared.errors import BadData


def read(path: Path) -> list[dict[str, Any]]:
    """Read a row, a list of rows, or the `instances` of a REST request's body. Raises BadData."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadData(f"{path} cannot be read as JSON: {error}") from error
    if isinstance(content, dict) and isinstance(content.get("instances"), list):  # no field's value is a list
        content = content["instances"]
    found = content if isinstance(content, list) else [content]
    if not found or not all(isinstance(row, dict) for row in found):
        raise BadData(
            f"{path} holds no rows. Expected an object of field to value, a list of them, or a request of "
            'TensorFlow Serving\'s REST API, {"instances": [...]}.'
        )
    return found
