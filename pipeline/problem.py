"""The prediction problem: `data/<name>/problem.toml` declares each column once, and what is predicted from what.

The columns read, the schema check, preprocessing, the model's inputs, the serving signatures and the phone's form all derive
from it. This module imports nothing heavy: command lines read it too.
"""

import csv
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from components.shared.errors import BadConfig
from components.shared.phone.card import Form, Words, form_fault
from pipeline.shared.section import Section

MISSING_CATEGORY = "__missing__"  # stands for an absent category, a string because a phone cannot send an empty one
FOR_PEOPLE = {"unit", "words", "form", "between"}  # of a feature
COLUMN = r"^[A-Za-z][A-Za-z0-9_]*$"  # what a tensor and a signature's input can be called


class Kind(StrEnum):
    """The meaning of a feature, which decides how it is prepared. Prepared values are float32 unless stated otherwise."""

    NUMERIC = "numeric"  # z-score over the training split
    CATEGORICAL = "categorical"  # int64 index into the training split's vocabulary, the last one for unseen values
    CYCLIC = "cyclic"  # share of the period, modulo it; the network makes sines and cosines of it: 23:59 is next to 00:00
    FLAG = "flag"  # 0 or 1; anything but 0 is 1
    SHARE = "share"  # a share of positives that was observed before; its log-odds are the network's prior


class Feature(Section):
    """One raw column, known before the outcome is.

    >>> Feature(name="age", kind="numeric", unit="years", optional=True).prepared
    ('age', 'age_missing')

    A missing numeric becomes the mean and sets `<name>_missing`; a missing cyclic, or an infinite one, sets `<name>_missing`,
    the circle's centre; a missing category becomes `MISSING_CATEGORY`; a missing share the mean share.
    """

    name: str = Field(pattern=COLUMN, description="the column in the spans and the tensor in the serving signature")
    kind: Kind = Field(strict=False, description="how it is prepared")
    unit: str = Field(default="", description="for people: the model card, the phone's form")
    optional: bool = Field(default=False, description="it may be missing: absent, null or NaN")
    period: float = Field(default=0.0, ge=0, strict=False, description="of a cyclic feature, in `unit`")
    prior: float = Field(default=0.0, ge=0, description="of a share: the weight of its log-odds, from which the network starts")
    words: str = Field(default="", description="what people call it; empty: its name")
    form: Form = Field(default="", description="how a form asks for it, as FeatureCard has it; empty: as its kind is asked for")
    between: tuple[str, str] | None = Field(
        default=None, strict=False, description="of the form distance: the two categories whose places it lies between"
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        for kind, key in ((Kind.CYCLIC, "period"), (Kind.SHARE, "prior")):
            value = getattr(self, key)
            if (self.kind is kind) != (value > 0):
                raise ValueError(
                    f"{key} = {value:g} of a {self.kind.value} feature; expected it above 0 of a {kind.value} one, 0 of others"
                )
        if fault := form_fault(self.dtype, self.form, self.unit, self.between):
            raise ValueError(fault)
        return self

    @property
    def dtype(self) -> str:
        """The raw dtype, by TensorFlow's name: every kind has one."""
        return {Kind.CATEGORICAL: "string", Kind.FLAG: "int64"}.get(self.kind, "float32")

    @property
    def prepared(self) -> tuple[str, ...]:
        """Names of the tensors that preprocessing makes of this feature."""
        if self.kind is Kind.CYCLIC or (self.kind is Kind.NUMERIC and self.optional):
            return (self.name, f"{self.name}_missing")
        return (self.name,)


class Declaration(Section):
    """The label and the features: all that preprocessing and training read of a problem."""

    label: str
    features: list[Feature]


class Problem(Section):
    """What is predicted from what."""

    folder: str = Field(description="of the problem; `--problem` names it")
    model: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="name that clients ask for; a folder under run.root/serving")
    label: str = Field(pattern=COLUMN, description="column of 0 and 1 that is predicted")
    date: str = Field(min_length=1, description="column of the date: it splits the rows by time, and is never a feature")
    words: Words = Field(default_factory=Words, description="what pages, command lines and the app say of it")
    declared: dict[str, Feature] = Field(alias="features", min_length=1, description="the columns that a model sees, by name")

    @field_validator("declared", mode="before")
    @classmethod
    def _with_names(cls, declared: Any) -> Any:
        """Give each feature its name, which stands only once, as the key."""
        if not isinstance(declared, dict):
            return declared
        return {name: {"name": name} | feature if isinstance(feature, dict) else feature for name, feature in declared.items()}

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        names = [self.label, self.date, *self.declared]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} is declared twice; expected label, date and each feature under its own name")
        for feature in self.features:
            if unknown := [end for end in feature.between or () if end not in self.declared]:
                raise ValueError(f"{feature.name}: {', '.join(unknown)} in between is not a feature")
        return self

    @property
    def features(self) -> list[Feature]:
        """The features, in the order in which they are declared."""
        return list(self.declared.values())

    @property
    def columns(self) -> dict[str, str]:
        """The raw columns, the features and the label, each with its dtype by TensorFlow's name."""
        return inputs(self.features) | {self.label: "int64"}

    def declaration(self) -> dict[str, Any]:
        """Return the `Declaration` as JSON takes it. It has no words for people: to change one must not train again."""
        features = [feature.model_dump(mode="json", exclude=FOR_PEOPLE) for feature in self.features]
        return {"label": self.label, "features": features}


def inputs(features: Iterable[Feature]) -> dict[str, str]:
    """Return the raw columns that a model takes, each with its dtype by TensorFlow's name.

    >>> inputs([Feature(name="age", kind="numeric"), Feature(name="color", kind="categorical")])
    {'age': 'float32', 'color': 'string'}
    """
    return {feature.name: feature.dtype for feature in features}


def of_kind(features: Iterable[Feature], kind: Kind) -> list[Feature]:
    """Return the features of one kind, in their order."""
    return [feature for feature in features if feature.kind is kind]


def form_fields(problem: Problem) -> list[dict[str, Any]]:
    """Describe the features as a form asks for them, with what their codes stand for. Raises BadConfig, as `codes`."""
    told = codes(Path(problem.folder))
    for feature in problem.features:
        if lacking := [end for end in feature.between or () if not told.get(end, {}).get("places")]:
            raise BadConfig(
                f"{problem.folder}/codes.csv has no places of {' and '.join(lacking)}, between which {feature.name} is a "
                "distance. Expected latitude and longitude of their codes."
            )
    return [
        feature.model_dump(mode="json") | {"dtype": feature.dtype} | told.get(feature.name, {}) for feature in problem.features
    ]


def codes(folder: Path) -> dict[str, dict[str, Any]]:
    """Read `codes.csv` of a problem, if there is one: what the codes of its categories stand for, for the form.

    Returns:
        By feature: `value_words`, code to words, and `places`, code to latitude and longitude in degrees where it has them.

    Raises:
        BadConfig: a column is missing, or a place is not a pair of numbers.
    """
    file = folder / "codes.csv"
    if not file.exists():
        return {}
    found: dict[str, dict[str, Any]] = {}
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                told = found.setdefault(row["feature"], {"value_words": {}, "places": {}})
                told["value_words"][row["code"]] = row["words"]
                if row["latitude"]:
                    told["places"][row["code"]] = (float(row["latitude"]), float(row["longitude"]))
    except (KeyError, ValueError, TypeError) as error:
        raise BadConfig(
            f"{file} is not understood: {error!r}. Expected the columns feature, code, words, latitude and longitude, the last "
            "two in degrees or empty."
        ) from error
    return found
