"""Which months are whole: that all of their files have come can only be concluded. Nothing heavy is imported here."""

import datetime
from collections.abc import Collection, Mapping
from pathlib import Path

from components.shared import spans

MARKER = "_SUCCESS"  # what Spark and Hadoop leave when a job is done; anybody may


def months(present: Mapping[str, Collection], marked: Collection[str], complete_after_days: int) -> list[str]:
    """The months that are whole, oldest first: a later one has begun, a marker is there, or enough days have passed.

    Args:
        present: the files of each span.
        marked: spans that have a `MARKER`.
        complete_after_days: full days after a month's last one, in UTC, after which nothing more is waited for.
    """
    begun = sorted(span for span, files in present.items() if files)
    waited, day = datetime.timedelta(days=complete_after_days), today()
    return [span for span in begun if span < begun[-1] or span in marked or day > spans.days(span)[1] + waited]


def today() -> datetime.date:
    """The day in UTC."""
    return datetime.datetime.now(datetime.UTC).date()


def marked(folder: Path) -> set[str]:
    """The spans below a folder that have a `MARKER`."""
    return {path.parent.name for path in folder.glob(f"*/{MARKER}")}


def expected(complete_after_days: int) -> str:
    """What makes a month whole, in words."""
    return (
        f"Expected a file of a later month, {MARKER} in the month's folder, or {complete_after_days} days since its end "
        "(data.complete_after_days)."
    )
