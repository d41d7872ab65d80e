"""Spans are periods of one unit, each a folder of Parquet or CSV files. Imports nothing heavy."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import NoReturn, TypeVar

from components.shared import units
from components.shared.errors import BadData, SpanNotFound, listed, shown
from components.shared.units import Unit

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


def available(folder: Path, unit: Unit) -> list[str]:
    """List the spans of a unit below `folder`, oldest first.

    Raises SpanNotFound if there is none, BadData if this user may not look, or it is a table of another engine.
    """
    with _readable():
        refuse_tables(beside_spans([path.relative_to(folder).as_posix() for path in folder.glob("*/*")], unit), folder)
        names = sorted(path.name for path in folder.glob("*") if path.is_dir())
        return [name for name in names if unit.is_span(name)] or none_in(folder, unit, names)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise BadData(
            f"{error.filename} cannot be read: {error.strerror}. Expected that this user may; change its mode."
        ) from error


def none_in(folder: Path | str, unit: Unit, names: Iterable[str] = ()) -> NoReturn:
    """Raise SpanNotFound, which says so where the folders that are there are called as spans of another unit."""
    others = [(name, other) for name in names for other in Unit if other.is_span(name)]
    hint = "".join(f" It holds {name}: if spans are {other}s, set data.unit to {other}." for name, other in others[:1])
    raise SpanNotFound(
        f"No spans in {folder}; expected folders named {unit.form}, each {unit.one} (data.unit).{hint} Build them with the "
        f"problem's own program where it has one (make data PROBLEM=NAME), or put a folder for each {unit} there."
    )


def files(folder: Path, window: list[str], max_gaps: int = 0) -> dict[str, list[Path]]:
    """List the data files of each span of a window, sorted, as `chosen`.

    Raises SpanNotFound if a span has no folder, or no Parquet or CSV file in it; BadData if one of them is no regular file, or
    lies elsewhere, or something else is in the folder; BadConfig if the window is not of spans.
    """
    return chosen(listing(folder, units.of(window[-1])), window, folder, max_gaps)


def listing(folder: Path, unit: Unit) -> dict[str, list[Path]]:
    """List what is in the folder of every span below `folder`, sorted, without what `is_aside`. Raises as `available`."""
    with _readable():
        present = available(folder, unit)
        return {span: sorted(path for path in (folder / span).iterdir() if not is_aside(path)) for span in present}


def beside_spans(paths: Iterable[str], unit: Unit) -> set[str]:
    """Return the `paths` below a folder of spans that are in no span, and the folders that they lie in except `metadata`."""
    outside = {path for path in paths if not unit.is_span(path.partition("/")[0])}
    return outside | {path.partition("/")[0] for path in outside} - {"metadata"}  # a name that others use too


def refuse_tables(paths: Iterable[str], folder: Path | str) -> None:
    """Raise BadData if one of the `paths`, relative to `folder`, shows that it is a table with a log of its own."""
    for path in sorted(paths):
        for table, mark in TABLES.items():
            if mark.fullmatch(path):
                raise BadData(
                    f"{folder} holds {shown(path)}: it is {table}, and some of its files are superseded. Expected plain files. "
                    "Export its rows with the engine that writes it (Spark, DuckDB, Polars, Trino) as Parquet, each span in a "
                    "folder of its own."
                )


def is_data(path: PurePath) -> bool:
    """Tell whether a file's name is that of data."""
    return path.suffix.lower() in SUFFIXES


def is_aside(path: PurePath) -> bool:
    """Tell whether a file is ignored, as in Hadoop and Spark: `_SUCCESS`, `.part-0.parquet.crc`, a hidden `.part-0.parquet`."""
    is_log = any(mark.fullmatch(path.name) for mark in TABLES.values())
    return path.name.startswith((".", "_")) and not is_log


def chosen(present: Mapping[str, list[P]], window: list[str], folder: Path | str, max_gaps: int = 0) -> dict[str, list[P]]:
    """Pick the data files of a window from a listing; in the other spans may be anything.

    As many spans as `max_gaps`, but not the newest, may be absent or empty: these are left out. Raises as `files`.
    """
    gaps = [span for span in window[:-1] if not present.get(span)]
    needed = window if len(gaps) > max_gaps else [span for span in window if span not in gaps]
    if missing := sorted(set(needed) - set(present)):
        allowed = f", of which {max_gaps} may be absent (data.max_gaps)" if max_gaps else ""
        raise SpanNotFound(
            f"Span {', '.join(missing)} is not in {folder}, but the window {window[0]} to {window[-1]} needs it{allowed}. "
            f"There are {', '.join(present)}. Choose another --span, or a smaller data.window."
        )
    found = {span: present[span] for span in needed}
    for span, paths in found.items():
        names = [PurePath(path).name for path in paths]
        refuse_tables(names, f"{folder}/{span}")
        others = [shown(name) for name in names if not is_data(PurePath(name))]
        if len(others) == len(paths):
            raise SpanNotFound(
                f"{folder}/{span} holds no data; expected files ending in {' or '.join(SUFFIXES)}"
                f"{f', found {listed(others)}' if others else ''}."
            )
        if others:  # part of the span would be missing unnoticed
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
    """Return where an Examples artifact keeps the blocks of its evaluation rows: no feature, but rows of one are alike."""
    return f"{examples}/days"


def days_file(examples: str, part: str) -> str:
    """Return the file of the blocks of the rows in a part of the eval split: NumPy's format, since 1970, shape [rows]."""
    return f"{days_folder(examples)}/{part}.npy"


def shards(examples: str, span: str) -> list[str]:
    """List the files of one span in an Examples artifact, in the order of time if each data file is."""
    folder = Path(examples)
    return [str(path) for split in SPLITS for path in sorted((folder / f"Split-{split}").glob(f"data_tfrecord-{span}-*.gz"))]
