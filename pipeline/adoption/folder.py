"""Write the files of a problem's folder from what was decided."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.adoption.columns import Chosen, LeftOut
from pipeline.adoption.labels import Target
from pipeline.adoption.periods import Periods
from pipeline.adoption.settings import Settings
from pipeline.adoption.written import SpanFacts

WIDTH = 110  # characters of a list in problem.toml, beyond which it takes lines


@dataclass(frozen=True)
class Adopted:
    """All that was decided of a table."""

    name: str
    source: str  # the files, as the person named them
    target: Target
    label: str  # its column in the spans
    label_is: str  # the expression, where it is one
    date: str  # empty: there is none
    why_undated: str
    chosen: Sequence[Chosen]
    left_out: Sequence[LeftOut]
    periods: Periods
    settings: Settings
    without_label: int  # rows
    facts: Sequence[SpanFacts]
    absent: Mapping[str, int] = field(default_factory=dict)  # classes that are not trained on in so many windows
    lost_digits: str = ""  # of the label, in words


def write(adopted: Adopted, folder: Path, request: Mapping[str, Any]) -> None:
    """Write problem.toml, card.toml, hyperparameters.json and request.json."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 (--help needs none)

    templates = Environment(  # noqa: S701 (TOML, not HTML)
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, keep_trailing_newline=True
    )
    templates.filters |= {"toml": toml, "section": section}
    values = adopted.__dict__ | {
        "factors": factors(adopted),
        "training_data": training_data(adopted),
        "evaluation_data": evaluation_data(adopted.periods),
    }
    for name in ("problem.toml", "card.toml"):
        (folder / name).write_text(templates.get_template(f"{name}.j2").render(values), encoding="utf-8")
    sizes = json.dumps(adopted.settings.hyperparameters, indent=2)
    (folder / "hyperparameters.json").write_text(sizes + "\n", encoding="utf-8")
    asked = {"signature_name": "raw", "instances": [request]}
    (folder / "request.json").write_text(json.dumps(asked, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def factors(adopted: Adopted) -> str:
    """Say by which features the model is measured."""
    slices = adopted.settings.evaluate["slices"]
    return (
        f"By {' and '.join(slices)}, the categories with the fewest values." if slices else "None: no category has few values."
    )


def training_data(adopted: Adopted) -> str:
    """Say where the rows come from, and what the label is."""
    spans = f", one {adopted.periods.unit} a span" if adopted.date else ""
    target, made = adopted.target, f", which is {adopted.label_is}" if adopted.label_is else ""
    return (
        f"{adopted.source}{spans}. The label {adopted.label}{made}: {target.values}. "
        f"{adopted.without_label:,} rows without a label or a date were left out."
    )


def evaluation_data(periods: Periods) -> str:
    """Say which rows evaluate."""
    if periods.eval_share:
        return f"{periods.eval_share:.0%} of the rows, picked by a hash of each, since they have no date. None is trained on."
    evaluated = periods.evaluated.removeprefix("its ")
    return (
        f"The {evaluated} of a window of {periods.window} {periods.unit}s, none of which is trained on. The split is by time."
    )


def toml(value: object) -> str:
    """Write a value of TOML in a line. JSON's texts, numbers and truth values are TOML's too."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        line = f"[{', '.join(map(toml, value))}]"
        return line if len(line) <= WIDTH else "[\n" + "".join(f"  {toml(each)},\n" for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def section(values: Mapping[str, object]) -> str:
    """Write the keys of a section, a line each."""
    return "".join(f"{key} = {toml(value)}\n" for key, value in values.items())
