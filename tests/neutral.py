"""A problem of the tests' own: will a parcel come back? Made rows of every kind of feature, with a signal in them and a seed.

`write` makes a whole problem folder of it, of all features or of some.
"""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.shared import units
from components.shared.units import Unit
from pipeline.model.schema import TYPES
from pipeline.problem import Kind, Problem, of_kind

LABEL, DATE = "returned", "day"
MONTHS = ("2024-01", "2024-02", "2024-03")
SHOPS = {"books": (52.5, 13.4), "shoes": (48.1, 11.6), "toys": (50.9, 7.0), "garden": (53.6, 10.0), "stamps": (51.3, 12.4)}
COUNTRIES = {"AT": (48.2, 16.4), "CH": (46.9, 7.4), "DE": (52.5, 13.4)}
DECLARED: dict[str, dict[str, Any]] = {
    "shop": {"kind": "categorical", "words": "Shop"},
    "country": {"kind": "categorical", "optional": True, "words": "To"},
    "distance": {"kind": "numeric", "unit": "km", "words": "Distance"},
    "price": {"kind": "numeric", "optional": True, "unit": "EUR", "words": "Price"},
    "weight": {"kind": "numeric", "optional": True, "unit": "kg"},
    "items": {"kind": "numeric", "optional": True},
    "ordered": {"kind": "cyclic", "period": 1440, "unit": "minutes since midnight", "words": "Ordered at", "form": "time"},
    "weekday": {"kind": "cyclic", "period": 7, "optional": True, "unit": "days since Monday", "form": "weekday"},
    "gift": {"kind": "flag", "words": "A gift"},
    "shop_share": {"kind": "share", "prior": 0.4, "unit": "of the shop's parcels, returned last week", "words": "Shop lately"},
    "country_share": {"kind": "share", "prior": 0.3, "optional": True, "words": "Country lately"},
}
SETTINGS = f"""
[problem]
model = "parcels"
label = "{LABEL}"
date = "{DATE}"

[problem.words]
title = "Will it come back?"
row = "parcel"
rows = "parcels"
ask = "Will it come back?"
event = "coming back"
yes = "Expect it back"
positive = "returned"
negative = "kept"

[data]

[gate]
min_rows = 100
max_repeated_share = 1.0       # rows of one flag repeat each other

[train]
epochs = 2
seed = 7

[canary]
rows = 20

[evaluate]
min_auc = 0.5
max_auc_drop = 1.0
"""
CARD = """
summary = "The probability that a parcel comes back."
owners = ["the tests"]
license = "none"
uses = ["testing"]
users = ["tests"]
out_of_scope = ["real parcels"]
factors = "None."
training_data = "Rows that a program makes."
evaluation_data = "The last days of the newest month."
ethics = ["No parcel exists."]
limits = ["It is made up."]
"""
HYPERPARAMETERS = {
    "learning_rate": 0.01,
    "weight_decay": 0.0001,
    "hidden_units": [16],
    "members": 2,
    "dropout": 0.1,
    "embedding_dropout": 0.1,
    "harmonics": 4,
}


def declared(names: Collection[str] = tuple(DECLARED), optional: bool = True) -> dict[str, dict[str, Any]]:
    """Declare some features, all of them always there if none is to be optional."""
    features = {name: dict(DECLARED[name]) for name in DECLARED if name in names}
    if {"shop", "country", "distance"} <= set(features):
        features["distance"] |= {"form": "distance", "between": ["shop", "country"]}
    return features if optional else {name: feature | {"optional": False} for name, feature in features.items()}


def problem(names: Collection[str] = tuple(DECLARED), optional: bool = True, folder: str = "parcels") -> Problem:
    """The problem, of all features or of some."""
    return Problem(folder=folder, model="parcels", label=LABEL, date=DATE, features=declared(names, optional))


PROBLEM = problem()
FEATURES, COLUMNS, TARGET = PROBLEM.features, PROBLEM.columns, PROBLEM.target


def without(*kinds: Kind) -> list[str]:
    """Names of the features of other kinds."""
    return [feature.name for feature in FEATURES if feature.kind not in kinds]


def rows(months: Sequence[str] = MONTHS, each: int = 1000, seed: int = 1, optional: bool = True) -> pd.DataFrame:
    """Make `each` rows a span of any unit, every block of it among them; the share that comes back rises by the span."""
    random = np.random.default_rng(seed)
    month = np.repeat(np.arange(len(months)), each)
    size = len(month)
    unit = units.of(months[0])
    block = np.timedelta64(unit.block.least_hours(1), "h")
    starts, ends = (np.array([moment(each) for each in months], "datetime64[h]") for moment in (unit.start, unit.end))
    blocks = np.arange(size) % each % ((ends - starts) // block)[month]
    date = pd.to_datetime((starts[month] + block * blocks).astype("datetime64[ns]"))
    shop, country = (
        random.choice([*SHOPS], size, p=[0.4, 0.3, 0.2, 0.095, 0.005]),
        random.choice([*COUNTRIES], size, p=[0.2, 0.2, 0.6]),
    )
    price, gift, distance = random.lognormal(3, 0.7, size), random.integers(0, 2, size), random.uniform(10, 900, size)
    by_shop = pd.Series({"books": -0.8, "shoes": 1.0, "toys": 0.0, "garden": -0.3, "stamps": 0.5})[shop].to_numpy()
    usual = 1 / (1 + np.exp(0.8 - by_shop - 0.15 * month))
    log_odds = by_shop + 0.15 * month - 0.8 + 0.9 * (np.log(price) - 3) - 0.8 * gift + 0.002 * (distance - 450)
    log_odds += 0.5 * np.cos(2 * np.pi * date.weekday / 7)
    made = pd.DataFrame(
        {
            DATE: date,
            "shop": shop.astype(object),
            "country": country.astype(object),
            "distance": distance.round(1),
            "price": price.round(2),
            "weight": random.uniform(0.1, 20, size).round(2),
            "items": random.integers(1, 6, size).astype(float),
            "ordered": random.integers(0, 1440, size).astype(float),
            "weekday": date.weekday.astype(float),
            "gift": gift,
            "shop_share": np.clip(usual + random.normal(0, 0.05, size), 0, 1).round(3),
            "country_share": random.uniform(0.2, 0.5, size).round(3),
            LABEL: (random.random(size) < 1 / (1 + np.exp(-log_odds))).astype("int64"),
        }
    )
    for name, feature in DECLARED.items():
        if optional and feature.get("optional"):
            made[name] = made[name].mask(random.random(size) < 0.1)
    return made


def raw(made: pd.DataFrame) -> dict[str, np.ndarray]:
    """Rows as the columns that a model takes: NaN or "" where a value is missing."""
    texts = {each.name for each in FEATURES if each.dtype == "string"}
    return {
        name: made[name].fillna("").to_numpy(object) if name in texts else made[name].to_numpy(PROBLEM.columns[name])
        for name in PROBLEM.declared
    }


def schema(of: Problem) -> schema_pb2.Schema:
    """What the rows must look like."""
    found = schema_pb2.Schema()
    ends = {"distance": (0, 1000), "price": (0, 1000), "ordered": (0, 1439), "weekday": (0, 6), "gift": (0, 1), LABEL: (0, 1)}
    ends |= {feature.name: (0, 1) for feature in of_kind(of.features, Kind.SHARE)}
    for name, dtype in of.columns.items():
        column = found.feature.add(name=name, type=TYPES[dtype])
        column.value_count.min = column.value_count.max = 1
        column.presence.min_count = 1
        column.presence.min_fraction = 0.5 if name in of.declared and of.declared[name].optional else 1.0
        if dtype == "string":
            column.domain = name
            found.string_domain.add(name=name, value=SHOPS if name == "shop" else COUNTRIES)
        elif name in ends:
            domain = column.int_domain if dtype == "int64" else column.float_domain
            domain.min, domain.max = ends[name]
    return found


def write(
    folder: Path,
    names: Collection[str] = tuple(DECLARED),
    *,
    optional: bool = True,
    months: Sequence[str] = MONTHS,
    each: int = 1000,
    data: str = "window = 2",
) -> Path:
    """Write a whole problem folder: its files, and its spans.

    Args:
        folder: that is made; its name is the problem's.
        names: of the features that it has.
        optional: whether values may be missing, and are.
        months: names of the spans, of any unit.
        each: rows a span.
        data: what problem.toml says under [data], but for the unit.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    of = problem(names, optional, str(folder))
    unit = units.of(months[0])
    settings = SETTINGS.replace("[data]", f'[data]\nunit = "{unit}"\n{data}')
    features = [f"{name} = {inline(feature)}" for name, feature in declared(names, optional).items()]
    slices = f"slices = {json.dumps([feature.name for feature in of_kind(of.features, Kind.CATEGORICAL)])}"
    (folder / "problem.toml").write_text("\n".join([settings + slices, "", "[problem.features]", *features, ""]))
    (folder / "schema.pbtxt").write_text(text_format.MessageToString(schema(of)))
    (folder / "hyperparameters.json").write_text(json.dumps(HYPERPARAMETERS))
    (folder / "card.toml").write_text(CARD)
    places = {name: known for name, known in (("shop", SHOPS), ("country", COUNTRIES)) if name in of.declared}
    codes = [f"{name},{code},{code.title()},{at},{to}" for name, known in places.items() for code, (at, to) in known.items()]
    (folder / "codes.csv").write_text("\n".join(["feature,code,words,latitude,longitude", *codes, ""]))
    write_spans(rows(months, each, optional=optional)[[DATE, *of.columns]], folder / "spans", unit)
    return folder


def write_spans(made: pd.DataFrame, folder: Path, unit: Unit = Unit.MONTH) -> Path:
    """Write the spans of a unit, with a time in each date where its blocks are hours."""
    names = {date: unit.span_of(date.to_pydatetime()) for date in made[DATE].unique()}
    for span, part in made.groupby(made[DATE].map(names)):
        (folder / str(span)).mkdir(parents=True)
        dated = part.assign(**{DATE: part[DATE].dt.date}) if unit.block is Unit.DAY else part
        dated.to_parquet(folder / str(span) / "parcels.parquet", index=False)
    return folder


def inline(table: dict[str, Any]) -> str:
    """A table of TOML in a line: JSON's texts, numbers, truth values and lists are TOML's."""
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items()) + " }"
