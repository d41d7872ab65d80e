"""The page that shows a problem's features and schema before the first run: what was decided, why, and what to check."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup
from tensorflow_metadata.proto.v0 import schema_pb2

from components.run_report import charts, data_facts
from components.run_report.facts import FeatureFacts
from components.run_report.templating import render_page
from components.shared import spans
from components.shared.errors import BadConfig
from components.shared.files import temporary_folder
from components.shared.tfdv_statistics import by_name
from pipeline.adoption import decisions, schema, source
from pipeline.adoption.reasons import LeftOut
from pipeline.adoption.sql import literal, quoted
from pipeline.config import Config
from pipeline.model import schema as reviewed
from pipeline.shared.sections import Data

if TYPE_CHECKING:
    import pandas as pd

PAGE = "review.html"
ROWS = 50_000  # of a dataset, at most
OFTEN = 0.2  # share of missing values, above which a person looks at it
MOVED = 0.1  # difference of that share, from the first window to the newest span
WIDE = 1_000  # values of a category, above which a person looks at it


class Column(NamedTuple):
    """What is known of a feature, or the label."""

    name: str
    kind: str  # of the feature, or "label"
    facts: FeatureFacts | None  # in the first window, which is called train, and in the newest span, eval
    reason: LeftOut | None  # why it is what it is, as a sentence begins, and how sure that is
    declared: schema_pb2.Feature | None  # in the schema
    texts: int  # different ones, of a category
    newest: str  # span

    @property
    def missing(self) -> float | None:
        """The share of missing values in the first window."""
        return self.facts.train.missing if self.facts and self.facts.train else None

    @property
    def allowed(self) -> str:
        """What the schema allows, in words."""
        return in_words(self.declared) if self.declared else "nothing: it is not in the schema"

    @property
    def chart(self) -> Markup | None:
        """The distributions in both datasets; None if there is no value."""
        return charts.feature(self.facts) if self.facts else None

    @property
    def checks(self) -> list[str]:
        """What only a person can say of it."""
        return questions(self)


def write(config: Config, folder: Path) -> Path:
    """Write the page below the root of the problem's runs, and return it.

    Raises:
        BadConfig: the spans are not Parquet files, or the schema is not there.
        SpanNotFound: there are no spans.
    """
    names = spans.available(Path(config.spans_folder), config.data.unit)
    windows = {"train": window(names, config.data), "eval": names[-1:]}
    known = decisions.read(folder)
    columns = config.problem.columns
    datasets = [schema.statistics(rows(config, part), columns).datasets[0] for part in windows.values()]
    facts = {each.name: each for each in data_facts.features([*datasets, None], dict.fromkeys(columns, ""))}
    texts = {name: each.string_stats.unique for name, each in by_name(datasets[0]).items()}
    reasons = {each.name: replace(each, why=sentence(each.why)) for each in known.features} if known else {}
    declared = {each.name: each for each in reviewed.read(Path(config.data.schema_file)).feature}
    kinds = {config.problem.label: "label", **{each.name: str(each.kind) for each in config.problem.features}}
    shown = [
        Column(name, kind, facts.get(name), reasons.get(name), declared.get(name), texts.get(name, 0), names[-1])
        for name, kind in kinds.items()
    ]
    page = config.root / PAGE
    text = render_page(
        "review.html.j2", config=config, folder=folder, decisions=known, windows=windows, shown=shown, names=names
    )
    with temporary_folder(page.parent) as work:
        (work / PAGE).write_text(text, encoding="utf-8")
        (work / PAGE).replace(page)
    return page


def sentence(words: str) -> str:
    """Begin words as a sentence does.

    >>> sentence("by its name and range")
    'By its name and range'
    """
    return words[:1].upper() + words[1:]


def window(names: Sequence[str], data: Data) -> list[str]:
    """Return those spans of the first window that a run can take; all spans if there is none."""
    for name in names:
        found = [each for each in data.unit.window(name, data.window) if each in names]
        if len(found) >= data.window - data.max_gaps:
            return found
    return list(names)


def rows(config: Config, names: Sequence[str]) -> "pd.DataFrame":
    """Sample the rows of some spans. Raises BadConfig if these are other files than `adopt` writes."""
    files = [str(file) for name in names for file in sorted(Path(config.spans_folder, name).glob("*.parquet"))]
    if not files:
        raise BadConfig(f"{config.spans_folder} has no Parquet files of {names[0]}. Expected spans as adopt writes them.")
    listed = ", ".join(map(quoted, config.problem.columns))
    with temporary_folder(config.root) as work, source.opened(work) as con:
        return con.sql(
            f"SELECT {listed} FROM read_parquet({literal(files)}, hive_partitioning = false, union_by_name = true) "
            f"USING SAMPLE reservoir({ROWS} ROWS) REPEATABLE (1)"
        ).df()


def in_words(declared: schema_pb2.Feature) -> str:
    """Say what the schema allows of a column.

    >>> in_words(schema_pb2.Feature(presence={"min_fraction": 0.9}, float_domain={"min": 0, "max": 2.5}))
    '0 to 2.5; at most 10% missing'
    """
    match declared.WhichOneof("domain_info"):
        case "float_domain":
            values = f"{declared.float_domain.min:g} to {declared.float_domain.max:g}"
        case "int_domain":
            values = f"{declared.int_domain.min} to {declared.int_domain.max}"
        case "string_domain":
            values = f"one of {len(declared.string_domain.value)} texts"
        case "domain":
            others = 1 - declared.distribution_constraints.min_domain_mass
            values = f"the texts that it lists, and others in {others:.1%} of rows"
        case _:
            values = "any value"
    missing = 1 - declared.presence.min_fraction
    return f"{values}; {f'at most {missing:.0%} missing' if missing else 'never missing'}"


def questions(column: Column) -> list[str]:
    """List what only a person can say of a column."""
    found = []
    if column.reason and column.reason.sure != "sure":
        found.append(f"It is {column.kind} ({column.reason.sure}): is that so? {column.reason.why}.")
    if column.missing is None:
        return [*found, "It has no value in the first window."]
    if column.missing > OFTEN:
        found.append(f"Missing in {column.missing:.0%} of rows: does a request lack it as often, and for the same reason?")
    newest = column.facts.eval if column.facts else None
    if newest and abs(newest.missing - column.missing) > MOVED:
        found.append(f"Missing in {newest.missing:.0%} of the rows of {column.newest}: what changed?")
    if column.kind == "categorical" and column.texts > WIDE:
        found.append(f"It has {column.texts:,} values: do they come again, or does each name a row?")
    return found
