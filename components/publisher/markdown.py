"""Write the model card as Markdown, a pure function of the card. Tables are padded, to read well in a terminal too."""

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from components.model_store import contents
from components.publisher.model_card import MIN_SLICE_ROWS, Column, VersionCard
from components.shared import tasks
from components.shared.metric_names import AUC, ERROR_HIGH, ERROR_LOW, MEAN_PREDICTION, POSITIVES
from components.shared.tasks import COVERED

TEMPLATE = "model_card.md.j2"
SHOWN_REASONS = 5
NONE = "-"

# TFMA's name: what a person calls it, and what it means.
METRICS = {each.key: (each.name, each.meaning) for task in tasks.TASKS.values() for each in task.metrics} | {
    POSITIVES: ("mean label", "in the label's unit; of a label of 0 and 1 the share of 1"),
    MEAN_PREDICTION: ("mean prediction", "in the label's unit"),
    ERROR_LOW: ("interval, low", f"added to a prediction, the lower end of the interval that holds {COVERED:.0%} of labels"),
    ERROR_HIGH: ("interval, high", "the same of its upper end; in the label's unit"),
}

# What has a meaning in Markdown, with GitHub's `$` and bare addresses; an underscore within a word has none.
SPECIAL = re.compile(r"[\\`*\[\]|~$#]|(?<![^\W_])_|_(?![^\W_])|(?<=:)/(?=/)|(?<=www)\.|^[-+](?=\s)", re.IGNORECASE)


def escape(value: object) -> Markup:
    """Write a value on one line so that Markdown shows it as it is. What a terminal would obey becomes U+FFFD."""
    if isinstance(value, Markup):
        return value
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(str(value).split()))
    return Markup(SPECIAL.sub(r"\\\g<0>", html.escape(line, quote=False)))  # noqa: S704 (it was escaped)


def table(headers: Sequence[object], rows: Sequence[Sequence[object]], texts: int = 1) -> Markup:
    """Make a table in GitHub's Markdown, its cells escaped, and padded for reading as text.

    The first `texts` columns are aligned to the left; the others, of figures, to the right.
    """
    columns = []
    for index, cells in enumerate(zip(headers, *rows, strict=True)):
        escaped = [escape(cell) for cell in cells]
        width = max(3, *map(len, escaped))
        is_text = index < texts
        header, *below = (cell.ljust(width) if is_text else cell.rjust(width) for cell in escaped)
        columns.append([header, "-" * width if is_text else "-" * (width - 1) + ":", *below])
    return Markup("\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True)))  # noqa: S704 (escaped above)


def render(card: VersionCard) -> str:
    """Render the card. Only what a person wrote (`card.description`) is taken for Markdown."""
    return ENVIRONMENT.get_template(TEMPLATE).render(
        card=card,
        metrics=_metrics(card),
        slices=_slices(card),
        of_one_class=any(AUC not in each.metrics for each in card.slices) and AUC in card.metrics,
        columns=_columns(card.columns),
        configuration=_configuration(card),
        min_slice_rows=MIN_SLICE_ROWS,
        shown_reasons=SHOWN_REASONS,
    )


def write(card: VersionCard, folder: Path) -> dict[str, Path]:
    """Write both forms of the card to a folder, and return them by their names in a version."""
    forms = {contents.CARD: render(card), contents.CARD_JSON: card.model_dump_json(indent=1) + "\n"}
    for name, content in forms.items():
        (folder / name).write_text(content, encoding="utf-8")
    return {name: folder / name for name in forms}


def _metrics(card: VersionCard) -> Markup:
    headers = ["metric", "what it says", "value"] + (["model before"] if card.before else [])
    rows = []
    for name, value in card.metrics.items():
        label, meaning = METRICS.get(name, (name, "as TensorFlow Model Analysis defines it"))
        rows.append([label, meaning, f"{value:.3f}"] + ([_rounded(card.before.get(name), 3)] if card.before else []))
    return table(headers, rows, texts=2)


def _slices(card: VersionCard) -> Markup:
    """Make the table of slices, with two decimals: at 1,500 rows the AUC's standard error is still over 0.01."""
    headers = ["slice", "rows", *(METRICS.get(name, (name,))[0] for name in card.metrics)]
    rows = [
        [each.name, f"{each.rows:,}", *(_rounded(each.metrics.get(name), 2) for name in card.metrics)] for each in card.slices
    ]
    return table(headers, rows)


def _columns(columns: Sequence[Column]) -> Markup:
    rows = [[column.name, column.kind, _values(column), f"{column.missing:.1%}"] for column in columns]
    return table(["column", "kind", "values", "missing"], rows, texts=3)


def _values(column: Column) -> str:
    if column.kind == "text":
        top = ", ".join(f"{value} {share:.0%}" for value, share in column.top.items())
        return f"{column.distinct or 0:,} values: {top}" if top else NONE
    if column.mean is None or column.minimum is None or column.maximum is None:
        return NONE
    return f"{_figure(column.minimum)} to {_figure(column.maximum)}, mean {_figure(column.mean)}"


def _configuration(card: VersionCard) -> Markup:
    """Write a setting on each line, so that `diff` compares cards; indented, since a block of code gives nothing a meaning."""
    settings = [(f"{section}.{key}", value) for section, values in card.configuration.items() for key, value in values.items()]
    return Markup("\n".join(f"    {name} = {json.dumps(value)}" for name, value in settings))  # noqa: S704 (a block of code)


def _rounded(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _figure(value: float) -> str:
    """Write three significant digits, and all before the point; without commas, as it may be a year."""
    return f"{value:.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"  # noqa: PLR2004


def _spans(window: Sequence[str]) -> str:
    return window[0] if len(window) == 1 else f"{window[0]} to {window[-1]}"


ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    finalize=escape,  # every value in the template
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.filters |= {"thousands": "{:,}".format, "spans": _spans, "prose": Markup}
