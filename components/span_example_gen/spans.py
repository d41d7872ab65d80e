"""Spans are calendar months, `YYYY-MM`, each a folder of Parquet or CSV files. Nothing heavy is imported here."""

import calendar
import datetime
import hashlib
import re
from pathlib import Path

from components.errors import SpanNotFound

SUFFIXES = (".parquet", ".csv")
SPLITS = ("train", "eval")  # in the order of time
_SPAN = re.compile(r"[12]\d{3}-(0[1-9]|1[0-2])")


def available(folder: Path) -> list[str]:
    """Spans below `folder`, oldest first.

    Raises:
        SpanNotFound: there is none.
    """
    found = sorted(path.name for path in folder.glob("*") if path.is_dir() and _SPAN.fullmatch(path.name))
    if not found:
        raise SpanNotFound(
            f"No spans in {folder}; expected folders named YYYY-MM. Build the example's with `python -m data.flights`."
        )
    return found


def window(span: str, size: int) -> list[str]:
    """The `size` consecutive months that end with `span`, oldest first: ("2013-02", 3) gives 2012-12, 2013-01, 2013-02.

    Raises:
        SpanNotFound: `span` is not of the form YYYY-MM.
    """
    if not _SPAN.fullmatch(span):
        raise SpanNotFound(f"{span!r} is not a span; expected a month such as 2013-07.")
    newest = int(span[:4]) * 12 + int(span[5:]) - 1
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(newest - size + 1, newest + 1)]


def first_eval_day(span: str, eval_days: int) -> datetime.date:
    """The day from which on the rows of `span` are evaluation rows."""
    year, month = int(span[:4]), int(span[5:])
    return datetime.date(year, month, calendar.monthrange(year, month)[1] - eval_days + 1)


def files(folder: Path, spans: list[str]) -> dict[str, list[Path]]:
    """The data files of each span, sorted.

    Raises:
        SpanNotFound: a span has no folder, or no Parquet or CSV file in it.
    """
    present = available(folder)
    if missing := sorted(set(spans) - set(present)):
        raise SpanNotFound(
            f"Span {', '.join(missing)} is not in {folder}, but the window {spans[0]} to {spans[-1]} needs it. "
            f"There are {', '.join(present)}. Choose another --span, or a smaller data.window."
        )
    found = {span: sorted(path for path in (folder / span).iterdir() if path.suffix in SUFFIXES) for span in spans}
    if empty := [span for span, paths in found.items() if not paths]:
        raise SpanNotFound(f"{folder / empty[0]} holds no data; expected files ending in {' or '.join(SUFFIXES)}.")
    return found


def shard(span: str, index: int) -> str:
    """Name of the file that the `index`-th data file of `span` becomes in each split."""
    return f"data_tfrecord-{span}-{index:05}.gz"


def shards(examples: str, span: str) -> list[str]:
    """The files of one span in an Examples artifact, in the order of time if each data file is."""
    folder = Path(examples)
    return [str(path) for split in SPLITS for path in sorted(folder.glob(f"Split-{split}/data_tfrecord-{span}-*.gz"))]


def fingerprint(folder: Path, spans: list[str]) -> str:
    """Changes when a data file of one of the spans does (name, size, time of modification), as TFX's own ExampleGen."""
    digest = hashlib.sha256()
    for paths in files(folder, spans).values():
        for path in paths:
            status = path.stat()
            digest.update(f"{path.relative_to(folder)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
