"""Spans are calendar months, `YYYY-MM`, each a folder of Parquet or CSV files. Imports nothing heavy."""

import calendar
import datetime
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import NoReturn, TypeVar

from components.shared.errors import BadConfig, BadData, SpanNotFound, listed, shown

SUFFIXES = (".parquet", ".csv")
SPLITS = ("train", "eval")  # in the order of time
NEWEST = "newest"  # stands for the newest span that is whole when the node runs
# What a table keeps beside its files, and which alone tells the files that count: others are superseded.
TABLES = {
    "a Delta table": re.compile(r"_delta_log(/.*)?"),
    "a Hudi table": re.compile(r"\.hoodie.*"),
    "an Iceberg table": re.compile(r"metadata(/[^/]*\.metadata\.json)?"),
}
P = TypeVar("P", Path, str)
_SPAN = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])")


def available(folder: Path) -> list[str]:
    """List the spans below `folder`, oldest first.

    Raises SpanNotFound if there is none, BadData if this user may not look, or it is a table of another engine.
    """
    with _readable():
        refuse_tables(beside_spans([path.relative_to(folder).as_posix() for path in folder.glob("*/*")]), folder)
        return sorted(path.name for path in folder.glob("*") if path.is_dir() and is_span(path.name)) or none_in(folder)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise BadData(
            f"{error.filename} cannot be read: {error.strerror}. Expected that this user may; change its mode."
        ) from error


def is_span(name: str) -> bool:
    """Tell whether a folder's name is that of a span."""
    return bool(_SPAN.fullmatch(name))


def none_in(folder: Path | str) -> NoReturn:
    raise SpanNotFound(
        f"No spans in {folder}; expected folders named YYYY-MM. Build them with the problem's own program, as `make data` "
        "does, or put a folder a month there."
    )


def window(span: str, size: int) -> list[str]:
    """List the `size` consecutive months that end with `span`: ("2013-02", 3) gives 2012-12, 2013-01, 2013-02.

    Raises BadConfig if `span` is not of the form YYYY-MM.
    """
    if not is_span(span):
        raise BadConfig(f"{span!r} is not a span; expected a month such as 2013-07.")
    newest = int(span[:4]) * 12 + int(span[5:]) - 1
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(newest - size + 1, newest + 1)]


def days(span: str) -> tuple[datetime.date, datetime.date]:
    """Return the first and the last day of a month."""
    year, month = int(span[:4]), int(span[5:])
    return datetime.date(year, month, 1), datetime.date(year, month, calendar.monthrange(year, month)[1])


def first_eval_day(span: str, eval_days: int) -> datetime.date:
    """Return the day from which the rows of `span` are evaluation rows."""
    return days(span)[1] - datetime.timedelta(days=eval_days - 1)


def split_days(window: list[str], eval_days: int) -> dict[str, tuple[datetime.date, datetime.date]]:
    """Return the first and the last day of the rows of each split."""
    first = first_eval_day(window[-1], eval_days)
    return {"train": (days(window[0])[0], first - datetime.timedelta(days=1)), "eval": (first, days(window[-1])[1])}


def files(folder: Path, spans: list[str]) -> dict[str, list[Path]]:
    """List the data files of each span, sorted.

    Raises SpanNotFound if a span has no folder, or no Parquet or CSV file in it; BadData if one of them is no regular file, or
    lies elsewhere, or something else is in the folder.
    """
    return chosen(listing(folder), spans, folder)


def listing(folder: Path) -> dict[str, list[Path]]:
    """List what is in the folder of every span below `folder`, sorted, without what `is_aside`. Raises as `available`."""
    with _readable():
        return {span: sorted(path for path in (folder / span).iterdir() if not is_aside(path)) for span in available(folder)}


def beside_spans(paths: Iterable[str]) -> set[str]:
    """Return the `paths` below a folder of spans that are in no span, and the folders that they lie in except `metadata`."""
    outside = {path for path in paths if not is_span(path.partition("/")[0])}
    return outside | {path.partition("/")[0] for path in outside} - {"metadata"}  # a name that others use too


def refuse_tables(paths: Iterable[str], folder: Path | str) -> None:
    """Raise BadData if one of the `paths`, relative to `folder`, shows that it is a table with a log of its own."""
    for path in sorted(paths):
        for table, mark in TABLES.items():
            if mark.fullmatch(path):
                raise BadData(
                    f"{folder} holds {shown(path)}: it is {table}, and some of its files are superseded. Expected plain files. "
                    "Export its rows with the engine that writes it (Spark, DuckDB, Polars, Trino) as Parquet, each month in a "
                    "folder of its own."
                )


def is_data(path: PurePath) -> bool:
    """Tell whether a file's name is that of data."""
    return path.suffix.lower() in SUFFIXES


def is_aside(path: PurePath) -> bool:
    """Tell whether a file is ignored, as in Hadoop and Spark: `_SUCCESS`, `.part-0.parquet.crc`, a hidden `.part-0.parquet`."""
    is_log = any(mark.fullmatch(path.name) for mark in TABLES.values())
    return path.name.startswith((".", "_")) and not is_log


def chosen(present: Mapping[str, list[P]], spans: list[str], folder: Path | str) -> dict[str, list[P]]:
    """Pick the data files of some spans from a listing; in the others may be anything. Raises as `files`."""
    if missing := sorted(set(spans) - set(present)):
        raise SpanNotFound(
            f"Span {', '.join(missing)} is not in {folder}, but the window {spans[0]} to {spans[-1]} needs it. "
            f"There are {', '.join(present)}. Choose another --span, or a smaller data.window."
        )
    found = {span: present[span] for span in spans}
    for span, paths in found.items():
        names = [PurePath(path).name for path in paths]
        refuse_tables(names, f"{folder}/{span}")
        others = [shown(name) for name in names if not is_data(PurePath(name))]
        if len(others) == len(paths):
            raise SpanNotFound(
                f"{folder}/{span} holds no data; expected files ending in {' or '.join(SUFFIXES)}"
                f"{f', found {listed(others)}' if others else ''}."
            )
        if others:  # part of the month would be missing unnoticed
            raise BadData(
                f"{folder}/{span} also holds {listed(others)}. Expected files ending in {' or '.join(SUFFIXES)}, in no further "
                "folder. Unpack, convert or remove the rest; only names that begin with . or _ are left out."
            )
        for path in paths:
            _check_file(path, folder)
    return found


def _check_file(path: Path | str, folder: Path | str) -> None:
    """Raise BadData unless the file's name can be printed, and on this machine it is read without waiting, among the spans."""
    if not str(path).isprintable():
        raise BadData(f"{str(path)!r} has a name that cannot be printed. Expected letters and digits; rename the file.")
    if "://" in str(folder):
        return
    if not Path(path).is_file():
        raise BadData(f"{path} is no file: a folder, a pipe, a device, or a link to nothing. Expected data; remove it.")
    if not (real := Path(os.path.realpath(path))).is_relative_to(os.path.realpath(folder)):
        raise BadData(f"{path} leads to {real}, outside of {folder}. Expected the file itself; copy it there.")


def shard(span: str, index: int) -> str:
    """Name the start of the files that the `index`-th data file of `span` becomes in each split; `part` is the rest."""
    return f"data_tfrecord-{span}-{index:05}"


def part(shard: str, number: int) -> str:
    """Name the file that holds the `number`-th batch of rows of a shard."""
    return f"{shard}-{number:05}.gz"


def days_folder(examples: str) -> str:
    """Return where an Examples artifact keeps the days of its evaluation rows: no feature, but rows of one day are alike."""
    return f"{examples}/days"


def days_file(examples: str, part: str) -> str:
    """Return the file of the days of the rows in a part of the eval split: NumPy's format, days since 1970, shape [rows]."""
    return f"{days_folder(examples)}/{part}.npy"


def shards(examples: str, span: str) -> list[str]:
    """List the files of one span in an Examples artifact, in the order of time if each data file is."""
    folder = Path(examples)
    return [str(path) for split in SPLITS for path in sorted((folder / f"Split-{split}").glob(f"data_tfrecord-{span}-*.gz"))]
