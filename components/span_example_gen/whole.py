"""Decide which spans are whole: that all their files have come can only be concluded. Imports nothing heavy."""

import datetime
from collections.abc import Collection, Mapping
from pathlib import Path

from components.shared.units import Unit

MARKER = "_SUCCESS"  # what Spark and Hadoop leave when a job is done; anybody may


def found(present: Mapping[str, Collection], marked: Collection[str], unit: Unit, complete_after_days: int) -> list[str]:
    """List the spans that are whole, oldest first, of the files of each.

    One is whole when a later one has begun, when it is among the `marked`, or `complete_after_days` full days after its end, in
    UTC.
    """
    begun = sorted(span for span, files in present.items() if files)
    ended = now() - datetime.timedelta(days=complete_after_days)
    return [span for span in begun if span < begun[-1] or span in marked or unit.end(span) <= ended]


def now() -> datetime.datetime:
    """Return the time in UTC, without a zone, as spans have none."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def marked(folder: Path) -> set[str]:
    """Find the spans below a folder that have a `MARKER`."""
    return {path.parent.name for path in folder.glob(f"*/{MARKER}")}


def expected(unit: Unit, complete_after_days: int) -> str:
    """Say what makes a span whole."""
    return (
        f"Expected a file of a later {unit}, {MARKER} in the {unit}'s folder, or {complete_after_days} days since its end "
        "(data.complete_after_days)."
    )
