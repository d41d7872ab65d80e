"""Decide which months are whole: that all their files have come can only be concluded. Imports nothing heavy."""

import datetime
from collections.abc import Collection, Mapping
from pathlib import Path

from components.shared import spans

MARKER = "_SUCCESS"  # what Spark and Hadoop leave when a job is done; anybody may


def months(present: Mapping[str, Collection], marked: Collection[str], complete_after_days: int) -> list[str]:
    """List the months that are whole, oldest first, of the files of each.

    One is whole when a later one has begun, when it is among the `marked`, or `complete_after_days` full days after its last
    one, in UTC.
    """
    begun = sorted(span for span, files in present.items() if files)
    waited, day = datetime.timedelta(days=complete_after_days), today()
    return [span for span in begun if span < begun[-1] or span in marked or day > spans.days(span)[1] + waited]


def today() -> datetime.date:
    """Return the day in UTC."""
    return datetime.datetime.now(datetime.UTC).date()


def marked(folder: Path) -> set[str]:
    """Find the spans below a folder that have a `MARKER`."""
    return {path.parent.name for path in folder.glob(f"*/{MARKER}")}


def expected(complete_after_days: int) -> str:
    """Say what makes a month whole."""
    return (
        f"Expected a file of a later month, {MARKER} in the month's folder, or {complete_after_days} days since its end "
        "(data.complete_after_days)."
    )
