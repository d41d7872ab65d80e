"""The prediction problem: `data/<name>/problem.toml` declares each column once, and what is predicted from what.

The columns read, the schema check, preprocessing, the model's inputs, the serving signatures and the phone's form all derive
from it. This module imports nothing heavy: command lines read it too.
"""

import keyword
import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from components.shared.phone.card import Form, Words, form_fault
from components.shared.target import Target
from components.shared.tasks import BINARY, TASKS, Task, TaskName
from pipeline.shared.section import Section

MISSING_CATEGORY = "__missing__"  # stands for an absent category, a string because a phone cannot send an empty one
MOST_EMBEDDED = 10_000  # categories of a feature that have an embedding of their own: each is a row in the phone's file
FOR_PEOPLE = {"unit", "words", "form", "between"}  # of a feature
MAX_CLASSES = 100
COLUMN = re.compile("[A-Za-z][A-Za-z0-9_]{0,99}")  # what a tensor, a signature's input and a file of a vocabulary can be called


def _column(name: str) -> str:
    if not COLUMN.fullmatch(name):
        raise ValueError(
            "no tensor can have this name; expected a letter, then letters, digits and _, 100 at most. Rename the column"
        )
    return name


def _input(name: str) -> str:
    if keyword.iskeyword(name) or name == "self":
        raise ValueError("a word of Python, which TensorFlow refuses as an input's name. Rename the column")
    return name


Column = Annotated[str, AfterValidator(_column)]
Input = Annotated[Column, AfterValidator(_input)]


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

    name: Input = Field(description="the column in the spans and the tensor in the serving signature")
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
    """The task, the label and the features: all that preprocessing and training read of a problem."""

    label: str
    features: list[Feature]
    task_name: TaskName = Field(default=BINARY.name, alias="task")
    classes: list[str] = []

    @property
    def task(self) -> Task:
        """What kind of label it is, and of answer."""
        return TASKS[self.task_name]


class Problem(Section):
    """What is predicted from what."""

    folder: str = Field(description="of the problem; `--problem` names it")
    model: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="name that clients ask for; a folder under run.root/serving")
    task_name: TaskName = Field(default=BINARY.name, alias="task", description="what kind of label it is, and of answer")
    label: Column = Field(
        description="column that is predicted: 0 or 1 if the task is binary, one of `classes` if it is multiclass, a number if "
        "it is regression"
    )
    classes: list[str] = Field(
        default=[], max_length=MAX_CLASSES, description="values of a multiclass label, in the order of the model's answers"
    )
    date: str = Field(
        default="", description="column of the date: it splits the rows by time, and is never a feature; empty: there is none"
    )
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
        names = [self.label, *filter(None, [self.date]), *self.declared]
        small = Counter(name.lower() for name in names)  # TensorFlow's names of a signature's inputs do not tell case apart
        if twice := sorted({name for name in names if small[name.lower()] > 1}):
            raise ValueError(
                f"{', '.join(twice)} is declared twice; expected label, date and each feature under a name of its own, by more "
                "than the case of its letters"
            )
        if self.task.output in self.declared:
            raise ValueError(f"{self.task.output} is what the model's answer is called; expected another name of the feature")
        for feature in self.features:
            if made := [name.lower() for name in feature.prepared[1:] if name.lower() in small]:
                taken = next(name for name in names if name.lower() in made)
                raise ValueError(f"{taken} is a column, and what preparation makes of {feature.name}; expected another name")
            if unknown := [end for end in feature.between or () if end not in self.declared]:
                raise ValueError(f"{feature.name}: {', '.join(unknown)} in between is not a feature")
        return self

    @model_validator(mode="after")
    def _fits_its_task(self) -> Self:
        if (self.task_name == "multiclass") != (len(self.classes) > 2):  # noqa: PLR2004
            raise ValueError(
                f"task = {self.task_name!r} with {len(self.classes)} classes; expected 3 or more of a multiclass label, none "
                "of others. Two classes are a binary label of 0 and 1"
            )
        if twice := sorted({name for name in self.classes if self.classes.count(name) > 1}):
            raise ValueError(f"the class {', '.join(twice)} is named twice; expected a name of its own for each")
        if self.task is not BINARY and (shares := of_kind(self.features, Kind.SHARE)):
            raise ValueError(
                f"{shares[0].name} is a share of positives, which a {self.task_name} label has none of; expected another kind, "
                "such as numeric"
            )
        return self

    @property
    def task(self) -> Task:
        """What kind of label it is, and of answer."""
        return TASKS[self.task_name]

    @property
    def target(self) -> Target:
        """The label, its task and its classes, for nodes."""
        return Target(label=self.label, task_name=self.task_name, classes=self.classes)

    @property
    def features(self) -> list[Feature]:
        """The features, in the order in which they are declared."""
        return list(self.declared.values())

    @property
    def columns(self) -> dict[str, str]:
        """The raw columns, the features and the label, each with its dtype by TensorFlow's name."""
        return inputs(self.features) | {self.label: self.task.label_dtype}

    def declaration(self) -> dict[str, Any]:
        """Return the `Declaration` as JSON takes it. It has no words for people: to change one must not train again."""
        features = [feature.model_dump(mode="json", exclude=FOR_PEOPLE) for feature in self.features]
        return {"label": self.label, "task": self.task_name, "classes": self.classes, "features": features}


def inputs(features: Iterable[Feature]) -> dict[str, str]:
    """Return the raw columns that a model takes, each with its dtype by TensorFlow's name.

    >>> inputs([Feature(name="age", kind="numeric"), Feature(name="color", kind="categorical")])
    {'age': 'float32', 'color': 'string'}
    """
    return {feature.name: feature.dtype for feature in features}


def of_kind(features: Iterable[Feature], kind: Kind) -> list[Feature]:
    """Return the features of one kind, in their order."""
    return [feature for feature in features if feature.kind is kind]
