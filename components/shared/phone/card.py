"""The phone's model card: what a form, and a person, must know of the file. Beside it, and in it as an appended zip.

A zip at a file's end leaves the model's bytes as they are: interpreters read it from the front, zip tools from the end.
Imports no TensorFlow.
"""

import io
import zipfile
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from components.shared.documents import Part
from components.shared.errors import CorruptModel
from components.shared.tasks import BINARY, TaskName

FILE = "model_card.json"
Value = str | float | int | None  # None: missing
Form = Literal["choice", "time", "weekday", "switch", "percent", "number", "text", "distance", ""]
OF_TEXTS = ("choice", "text", "")
Variant = Literal["float32", "float16", "dynamic_int8", "weight_int8"]  # of a file: how its weights are kept
LENGTHS = ("miles", "km")  # units of a distance between two places


class Words(Part):
    """The words in which a problem speaks to people."""

    title: str = "Prediction"  # of the screen that asks
    row: str = "row"  # what a row is, in the singular
    rows: str = "rows"  # and the plural: "27 rows"
    ask: str = "Predict"  # on the button
    event: str = "yes"  # what the probability is of, after "27 % chance of"
    yes: str = "Yes is likely"  # the verdict from the threshold on
    above: str = "Chance above average"  # the verdict below the threshold, from the base rate on
    below: str = "Chance below average"  # and below that
    positive: str = "yes"  # either answer in a word or two, for lists
    negative: str = "no"
    answer: str = "answer"  # what a number or a class is that is predicted: "fare"
    unit: str = ""  # of a number that is predicted


class FeatureCard(Part):
    """One raw input, and how a form asks for it.

    `form` "time" is in minutes since midnight, "weekday" in days since Monday, "percent" shows a share as a percentage,
    "distance" is filled in from the places of the two categories in `between`. Empty: by kind. A category is a choice, or a
    text where it has no values; a flag a switch; a share a percentage; anything else a number.
    """

    name: str
    kind: str
    dtype: Literal["string", "float32", "int64"]
    unit: str = ""  # for people; of a "distance" one of LENGTHS
    optional: bool = False
    values: list[str] | None = None  # of a category: those that training knows
    minimum: float | None = None  # of a number, in `unit`
    maximum: float | None = None
    typical: float | None = None  # of a number: the median in training
    words: str = ""  # the field's label; empty: the name is shown
    form: Form = ""
    value_words: dict[str, str] = {}
    places: dict[str, tuple[float, float]] = {}  # of a category: latitude and longitude of its values, in degrees
    between: tuple[str, str] | None = None

    @property
    def label(self) -> str:
        """The name of the field for people."""
        return self.words or self.name

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if fault := form_fault(self.dtype, self.form, self.unit, self.between):
            raise ValueError(f"{self.name}: {fault}")
        return self


def form_fault(dtype: str, form: Form, unit: str, between: tuple[str, str] | None) -> str:
    """Say why a form cannot ask for a feature in this way, as `FeatureCard` describes it; empty if it can."""
    if form and (form in OF_TEXTS) != (dtype == "string"):
        return f'form = "{form}" for a {dtype}; expected "choice" or "text" for a string, and another one for a number'
    if form == "percent" and dtype == "int64":
        return 'form = "percent" for an int64; expected a float32, which a share is'
    if (form == "distance") != (between is not None):
        return 'form = "distance" and between come together; expected both or neither'
    if between and unit not in LENGTHS:
        return f'a distance in "{unit}"; expected the unit {" or ".join(LENGTHS)}'
    return ""


class Golden(Part):
    """A real row and the file's answer for it: an app that computes another one has a fault."""

    row: dict[str, Value]
    score: float | list[float]  # of several classes one each


class Interval(Part):
    """Where a label is expected: between the prediction with either end added to it."""

    share: float  # of labels that are there
    low: float  # in the label's unit, like high
    high: float


class ModelCard(Part):
    """Everything about one published file."""

    schema_version: Literal[1, 2] = 1  # as `schema_of` says
    model: str
    version: int
    variant: str
    span: str
    window: list[str]
    rows: dict[str, int]  # of training and evaluation
    label: str
    task: TaskName = BINARY.name
    classes: list[str] = []  # of a multiclass label, in the order of the answers
    signature: str
    output: str
    threshold: float | None = None  # from which probability on the answer is yes; None: the answer is no probability of yes
    base_rate: float | None = None  # share of yes in training; None in a file from before it was stated, and without a yes
    missing: dict[str, str]  # dtype -> what stands for a missing value
    features: list[FeatureCard]
    interval: Interval | None = None  # of an answer that is a number; None where there were too few rows for one
    metrics: dict[str, float]  # of the server's model, over all evaluation rows
    golden: list[Golden]
    words: Words = Words()

    @model_validator(mode="after")
    def _distances_have_ends(self) -> Self:
        """Refuse a distance between features without places."""
        placed = {feature.name for feature in self.features if feature.places}
        for feature in self.features:
            if lacking := set(feature.between or ()) - placed:
                raise ValueError(
                    f"{feature.name} is the distance between {' and '.join(feature.between or ())}; expected two features with "
                    f"places, but {', '.join(sorted(lacking))} has none."
                )
        return self


def schema_of(task: TaskName) -> Literal[1, 2]:
    """Return the schema version of a task's cards: apps of older code know the first one, and that task, only."""
    return 1 if task == BINARY.name else 2


def attach(model: bytes, card: ModelCard) -> bytes:
    """Return the file with its card inside."""
    content = io.BytesIO(model)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(FILE), card.model_dump_json())
    return content.getvalue()


def read(path: Path) -> ModelCard:
    """Read the card inside a file. Raises CorruptModel if there is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return ModelCard.model_validate_json(archive.read(FILE))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise CorruptModel(
            f"{path} has no readable model card inside ({error}); expected a file that the MobileExporter wrote."
        ) from error


VARIANTS_FOLDER = "variants"
MODEL_FILE = "model.tflite"
