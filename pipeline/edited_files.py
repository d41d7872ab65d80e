"""Check what a person edits in the folder of a problem, as a whole, before any node and before TensorFlow is imported."""

import math
from pathlib import Path
from typing import Any

from components.publisher import model_card
from components.shared import json_rows
from components.shared.errors import BadConfig, BadData, shown
from components.shared.problem_folder import shown as shown_path
from data import DEFAULT_PROBLEM
from pipeline.config import Config
from pipeline.forms import form_fields
from pipeline.model import hyperparameters
from pipeline.model.schema import check_reviewed
from pipeline.problem import Feature, Problem

JSON_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "float32": (int, float), "int64": (int,)}


def check(config: Config) -> str:
    """Hold the files of a problem against what it declares.

    Returns:
        What a person should know, though it stops nothing; empty if there is nothing.

    Raises:
        BadConfig: a file does not fit, or is not understood; with the file, the key, what was found and what was expected.
    """
    problem = config.problem
    if ignored := [name for name in config.data.ignore_columns if name in (*problem.columns, problem.date)]:
        raise BadConfig(
            f"data.ignore_columns has {', '.join(ignored)}, which {problem.folder}/problem.toml declares. Expected "
            "columns that are neither label nor date nor feature. Remove it from one of the two."
        )
    check_reviewed(Path(config.data.schema_file), problem)
    hyperparameters.read(Path(config.train.hyperparameters))
    form_fields(problem)
    check_request(Path(problem.folder) / "request.json", problem)
    return check_card(Path(config.publish.card), problem)


def check_request(file: Path, problem: Problem) -> None:
    """Hold the request to try a server with, if there is one, against the features. Raises BadConfig."""
    if not file.exists():
        return
    try:
        rows = json_rows.read(file)
    except BadData as error:
        raise BadConfig(str(error)) from error
    for number, row in enumerate(rows, 1):
        wrong = [f"{name} is not a feature" for name in row if name not in problem.declared]
        wrong += [fault for feature in problem.features if (fault := _fault(feature, row.get(feature.name)))]
        if wrong:
            raise BadConfig(
                f"{file}, row {number}, does not fit {problem.folder}/problem.toml: {'; '.join(wrong)}. "
                f"Expected a value for each of {', '.join(problem.declared)}. Correct the row, or remove the file."
            )


def _fault(feature: Feature, value: Any) -> str:
    """Say what is wrong with a value of a request; empty if nothing is."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "" if feature.optional and feature.dtype != "int64" else f"{feature.name} is missing, and not optional"
    if not isinstance(value, JSON_TYPES[feature.dtype]) or isinstance(value, bool):
        return f"{feature.name} is {shown(repr(value))}, expected {feature.dtype}"
    return ""


def check_card(file: Path, problem: Problem) -> str:
    """Read what a person says of the model, and tell of texts that are still to be written.

    Raises:
        BadConfig: it cannot be read, or says of this model what the card of another problem says.
    """
    card = model_card.read(file)
    for other in sorted(DEFAULT_PROBLEM.parent.glob("*/card.toml")):
        if other.parent.name not in (file.resolve().parent.name, Path(problem.folder).name):  # a copy of the same is none
            _refuse_copy(file, card, other)
    if not card.to_write:
        return ""
    return (
        f"{file} has placeholders for {', '.join(card.to_write)}: a model is trained, and not published until they are written."
    )


def _refuse_copy(file: Path, card: model_card.Description, other: Path) -> None:
    """Raise BadConfig if a card says what only that of another problem can say."""
    try:
        told = model_card.read(other)
    except BadConfig:  # that one's fault
        return
    if card.summary == told.summary and "summary" not in card.to_write:  # of the rows, two may say the same
        raise BadConfig(
            f"{file} speaks of another problem: its summary stands in {shown_path(other)} too. Expected words on this model. "
            'Write it anew, or "<to be written>" for now, which stops publishing, not training.'
        )
