"""The model card: what a phone's form, and a person, must know of the file. Beside it, and inside it as an appended zip.

A zip at a file's end leaves the model's bytes as they are: interpreters read it from the front, zip tools from the end.
Imports no TensorFlow.
"""

import io
import zipfile
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from components.shared.errors import CorruptModel

FILE = "model_card.json"
Value = str | float | int | None  # None: missing


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FeatureCard(Part):
    """One raw input."""

    name: str
    kind: str
    dtype: Literal["string", "float32", "int64"]
    unit: str = ""
    optional: bool = False
    values: list[str] | None = None  # of a category: those that training knows
    minimum: float | None = None
    maximum: float | None = None
    typical: float | None = None  # of a number: the median in training


class Golden(Part):
    """A real row and the file's score for it: an app that gets another one has a fault."""

    row: dict[str, Value]
    score: float


class ModelCard(Part):
    """Everything about one published file."""

    schema_version: Literal[1] = 1
    model: str
    version: int
    variant: str
    span: str
    window: list[str]
    rows: dict[str, int]  # of training and evaluation
    label: str
    signature: str
    output: str
    threshold: float  # from which probability on the answer is yes
    base_rate: float | None = None  # share of yes in training; None in a file from before it was stated
    missing: dict[str, str]  # dtype -> what stands for a missing value
    features: list[FeatureCard]
    metrics: dict[str, float]  # of the server's model, over all evaluation rows
    golden: list[Golden]


def attach(model: bytes, card: ModelCard) -> bytes:
    """The file with its card inside."""
    content = io.BytesIO(model)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(FILE), card.model_dump_json())
    return content.getvalue()


def read(path: Path) -> ModelCard:
    """The card inside a file. Raises CorruptModel if there is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return ModelCard.model_validate_json(archive.read(FILE))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise CorruptModel(
            f"{path} has no readable model card inside ({error}); expected a file that the MobileExporter wrote."
        ) from error


VARIANTS_FOLDER = "variants"
MODEL_FILE = "model.tflite"
