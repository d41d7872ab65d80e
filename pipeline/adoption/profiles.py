"""Describe each column of a table by one query: what all decisions are made from."""

import keyword
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Literal

from components.shared import tasks
from components.shared.errors import BadData
from components.span_example_gen.limits import MAX_COLUMNS
from pipeline.adoption.sql import TABLE, described, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS = "cleaned"  # the view that everything after reads
COLUMNS = 100  # of a query: thousands at once take memory
LONGEST = 80  # characters of a name, so that what is made of it has at most 100
ANSWERS = {task.output for task in tasks.TASKS.values()}  # columns that answers are added as
RESERVED = {*keyword.kwlist, "self", *ANSWERS}  # beside what TensorFlow refuses as the name of an input
INDICATOR = "_missing"  # of the name of what preparation makes of a column
TOP = 20  # values that a profile lists
ALMOST_ALL = 0.9  # of the rows have a value of their own: worth an exact count
NUMBERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
Type = Literal["integer", "number", "text", "time", "flag"]


@dataclass(frozen=True)
class Profile:
    """What one column holds. Values are in the text that SQL casts them to."""

    name: str
    type: Type
    rows: int
    missing: int
    distinct: int  # estimated within a few percent; exact where nearly each row has its own
    low: float | None = None  # of a number
    high: float | None = None
    middle: float | None = None  # the median, about
    top: tuple[tuple[str, int], ...] = ()  # the most frequent values, and their rows where there are fewer than TOP
    longest: int = 0  # characters of a text
    words: float = 0  # of a text, on average
    has_time: bool = False  # a timestamp that is not always midnight

    @property
    def missing_share(self) -> float:
        return self.missing / self.rows if self.rows else 0.0


def clean(con: "DuckDBPyConnection") -> dict[str, str]:
    """Make the view `cleaned`: names that a signature can have; no NaN, infinity, zone, empty text or control character.

    Returns:
        The columns whose name changed, new name to old.

    Raises:
        BadData: there are more columns than a span may have.
    """
    columns = described(con)
    refuse_wide(len(columns))
    names = renamed([name for name, _ in columns])
    parts = [f"{_cleaned(quoted(old), type_)} AS {quoted(new)}" for (old, type_), new in zip(columns, names, strict=True)]
    con.execute(f"CREATE OR REPLACE VIEW {ROWS} AS SELECT {', '.join(parts)} FROM {TABLE}")
    return {new: old for (old, _), new in zip(columns, names, strict=True) if new != old}


def refuse_wide(columns: int) -> None:
    """Raise BadData if there are more columns than a span may have."""
    if columns > MAX_COLUMNS:
        raise BadData(
            f"The table has {columns:,} columns; expected at most {MAX_COLUMNS:,}. Write a table of those that matter."
        )


def renamed(names: Sequence[str]) -> list[str]:
    """Give columns names that a signature can have: letters, digits and `_`, a letter first, not too long, no word of Python.

    They differ by more than case, and none is what preparation makes of another: `x_missing` beside `x`.

    >>> renamed(["Net Weight", "2nd", "net-weight", "class", "ok", "ok_missing"])
    ['Net_Weight', 'c_2nd', 'net_weight_2', 'class_', 'ok', 'ok_missing_2']
    """
    found: list[str] = []
    for name in names:
        letters = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", letters).strip("_") or "column"
        plain = (plain if plain[0].isalpha() else f"c_{plain}")[:LONGEST]
        plain = f"{plain}_" if plain in RESERVED else plain
        taken = {made.lower() for each in found for made in (each, each + INDICATOR)}
        taken |= {each.lower().removesuffix(INDICATOR) for each in found if each.lower().endswith(INDICATOR)}
        number, free = 2, plain
        while free.lower() in taken:
            free, number = f"{plain}_{number}", number + 1
        found.append(free)
    return found


def _cleaned(column: str, type_: str) -> str:
    if type_ in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN isfinite({column}) THEN {column} END"
    if type_.startswith("DECIMAL"):
        return f"CAST({column} AS DOUBLE)"
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {column})"
    if type_.startswith("TIMESTAMP") or type_ in {"DATE", "BOOLEAN", *NUMBERS}:
        return column
    return f"nullif(regexp_replace(CAST({column} AS VARCHAR), '[\\x00-\\x1f\\x7f]', ' ', 'g'), '')"


def profile(con: "DuckDBPyConnection", table: str = ROWS, names: Collection[str] | None = None) -> list[Profile]:
    """Describe the columns of a table or view: all of them, or those of some names."""
    columns = iter([(name, type_) for name, type_ in described(con, table) if names is None or name in names])
    found: list[Profile] = []
    while some := list(islice(columns, COLUMNS)):
        parts = [part for name, type_ in some for part in _aggregates(quoted(name), _type(type_))]
        rows, *values = con.sql(f"SELECT count(*), {', '.join(parts)} FROM {table}").fetchall()[0]
        found += _exact(con, list(_profiles(some, rows, iter(values))), table)
    return found


def _type(type_: str) -> Type:
    if type_ in NUMBERS:
        return "integer"
    if type_ in ("FLOAT", "DOUBLE"):
        return "number"
    if type_.startswith("TIMESTAMP") or type_ == "DATE":
        return "time"
    return "flag" if type_ == "BOOLEAN" else "text"


def _aggregates(column: str, type_: Type) -> tuple[str, ...]:
    """Return the aggregates of one column, as many and in the same order for each."""
    is_number, is_text, is_time = type_ in ("integer", "number"), type_ == "text", type_ == "time"
    return (
        f"count({column})",
        f"approx_count_distinct({column})",
        f"CAST(min({column}) AS DOUBLE)" if is_number else "NULL",
        f"CAST(max({column}) AS DOUBLE)" if is_number else "NULL",
        f"CAST(approx_quantile({column}, 0.5) AS DOUBLE)" if is_number else "NULL",
        f"approx_top_k(CAST({column} AS VARCHAR), {TOP})",
        f"max(length({column}))" if is_text else "0",
        f"avg(1 + length({column}) - length(replace({column}, ' ', '')))" if is_text else "0",
        f"bool_or(date_trunc('day', {column}) <> {column})" if is_time else "FALSE",
    )


def _profiles(columns: Sequence[tuple[str, str]], rows: int, values: Iterator) -> Iterator[Profile]:
    for name, type_ in columns:
        there, distinct, low, high, middle, top, longest, words, has_time = islice(values, 9)
        ranked = tuple((value, 0) for value in top or () if value is not None)
        yield Profile(
            name,
            _type(type_),
            rows,
            rows - there,
            min(distinct, there),
            low,
            high,
            middle,
            ranked,
            longest or 0,
            words or 0,
            bool(has_time),
        )


def _exact(con: "DuckDBPyConnection", found: Sequence[Profile], table: str) -> list[Profile]:
    """Count exactly where it decides something: the rows of few values, and values of which nearly each row has its own."""
    few = [each.distinct < TOP for each in found]
    parts = [
        f"histogram(CAST({quoted(each.name)} AS VARCHAR))"
        if is_few
        else f"count(DISTINCT {quoted(each.name)})"
        if each.distinct > ALMOST_ALL * (each.rows - each.missing)
        else "NULL"
        for each, is_few in zip(found, few, strict=True)
    ]
    answers = con.sql(f"SELECT {', '.join(parts)} FROM {table}").fetchall()[0]
    return [
        replace(
            each, distinct=len(answer or {}), top=tuple(sorted((answer or {}).items(), key=lambda value: (-value[1], value[0])))
        )
        if is_few
        else replace(each, distinct=max(answer or each.distinct, TOP))
        for each, is_few, answer in zip(found, few, answers, strict=True)
    ]
