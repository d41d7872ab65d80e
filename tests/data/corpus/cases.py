"""What breaks a span: a case, and the ways to write one from good rows.

`BadData` and `SpanNotFound` end a run at its first node, `DataRejected` at the DataGate, before anything is trained.
`GOES_ON` is said of oddities that change no value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tests.data import crafted
from tests.data.crafted import Lies
from tests.neutral import COLUMNS, DATE

SPAN = "2013-02"
GOES_ON = "goes on"
ROWS = 3000  # of the good span

Write = Callable[[Path, pd.DataFrame], object]
Change = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Case:
    """One way to break a span.

    Attributes:
        name: what is broken.
        write: writes it into the folder of the span, which is empty, from good rows.
        outcome: name of the error, or `GOES_ON`.
        message: regular expression that the error's text has.
        span: the one that is asked for.
    """

    name: str
    write: Write
    outcome: str
    message: str = ""
    span: str = SPAN


def parquet(change: Callable[[pd.DataFrame], pd.DataFrame | pa.Table] = lambda rows: rows, **options) -> Write:
    """The rows, changed, as `parcels.parquet`."""

    def write(folder: Path, rows: pd.DataFrame) -> None:
        table = change(rows)
        table = pa.Table.from_pandas(table, preserve_index=False) if isinstance(table, pd.DataFrame) else table
        pa.parquet.write_table(table, folder / "parcels.parquet", **options)

    return write


def column(name: str, make: Callable[[pd.Series], pa.Array]) -> Write:
    """One column as another Arrow array, in Parquet."""

    def change(rows: pd.DataFrame) -> pa.Table:
        table = pa.Table.from_pandas(rows, preserve_index=False)
        return table.set_column(table.schema.get_field_index(name), name, make(rows[name]))

    return parquet(change)


def cells(name: str, value: object, rows: int = 1) -> Change:
    """The first rows of a column get a value."""
    return lambda made: made.assign(**{name: [value] * rows + made[name].tolist()[rows:]})


def text(
    change: Callable[[str], str] = lambda text: text, encoding: str = "utf-8", first: Change = lambda rows: rows, **options
) -> Write:
    """The rows as `parcels.csv`: they are changed first, and then the text of it."""
    return lambda folder, rows: (folder / "parcels.csv").write_bytes(
        change(first(rows).to_csv(index=False, **options)).encode(encoding)
    )


def raw(content: bytes, name: str = "parcels.parquet") -> Write:
    return lambda folder, rows: (folder / name).write_bytes(content)


def lying(**lies: object) -> Write:
    return row_groups(Lies(**lies))  # type: ignore[arg-type]


def row_groups(*groups: Lies) -> Write:
    return raw(crafted.parquet(COLUMNS | {DATE: "date"}, *groups))


def cut(keep: float) -> Write:
    """The start of a good Parquet file."""

    def write(folder: Path, rows: pd.DataFrame) -> None:
        parquet()(folder, rows)
        path = folder / "parcels.parquet"
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])

    return write


def line_of_half_a_gigabyte(behind: Callable[[str], str]) -> Write:
    """A sparse file: it takes no space on the disk."""

    def write(folder: Path, rows: pd.DataFrame) -> None:
        with (folder / "parcels.csv").open("wb") as file:
            file.write(behind(rows.head(1).to_csv(index=False)).encode())
            file.truncate(500 << 20)

    return write


def with_good_rows(name: str, content: bytes) -> Write:
    """A good file, and another one beside it."""

    def write(folder: Path, rows: pd.DataFrame) -> None:
        parquet()(folder, rows)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)

    return write


def long_texts(length: int, times: int, is_category: bool = False) -> Write:
    """Other texts in each row, of so many bytes and so many rows: compressed, they take a megabyte."""

    def change(rows: pd.DataFrame) -> pa.Table:
        rows = pd.concat([rows] * times, ignore_index=True)
        for name in ("shop", "country"):
            texts = pa.array([f"{number:0{length}}" for number in range(len(rows))])
            rows[name] = pd.Series(texts.to_pandas(), dtype="category" if is_category else object)
        return pa.Table.from_pandas(rows, preserve_index=False)

    return parquet(change, use_dictionary=False, compression="zstd")


def link(target: str) -> Write:
    return lambda folder, rows: (folder / "parcels.csv").symlink_to(target)


def link_within(folder: Path, rows: pd.DataFrame) -> None:
    parquet()(folder, rows)
    (folder / "parcels.parquet").rename(folder.parent / "elsewhere")
    (folder / "parcels.parquet").symlink_to("../elsewhere")


def link_out(folder: Path, rows: pd.DataFrame) -> None:
    parquet()(folder, rows)
    (folder / "parcels.parquet").rename(folder.parent.parent / "outside.parquet")
    (folder / "parcels.parquet").symlink_to(folder.parent.parent / "outside.parquet")


def span_link_out(folder: Path, rows: pd.DataFrame) -> None:
    parquet()(folder, rows)
    folder.rename(folder.parent.parent / "month")
    folder.symlink_to("../month")


def twice(folder: Path, rows: pd.DataFrame) -> None:
    for name in ("a", "b"):
        rows.to_parquet(folder / f"{name}.parquet", index=False)


def as_folder_named(name: str) -> Write:
    def write(folder: Path, rows: pd.DataFrame) -> None:
        parquet()(folder, rows)
        folder.rename(folder.with_name(name))

    return write


def repeated_column(rows: pd.DataFrame) -> pa.Table:
    table = pa.Table.from_pandas(rows, preserve_index=False)
    return table.append_column("price", table["price"])


def many_shops(rows: pd.DataFrame) -> pd.DataFrame:
    made = pd.concat([rows] * (100_000 // len(rows) + 1), ignore_index=True).head(100_000)
    return made.assign(shop=[f"{number:X}" for number in range(100_000)])


def two_rows(times: int) -> Write:
    """The first and the last row, each so often: a file of a few kilobytes."""

    def change(rows: pd.DataFrame) -> pa.Table:
        table = pa.Table.from_pandas(rows.iloc[[0, -1]], preserve_index=False)
        places = pa.array(np.repeat(np.array([0, 1], np.int8), times))
        columns = [pa.DictionaryArray.from_arrays(places, array.combine_chunks()) for array in table.columns]
        return pa.table(dict(zip(table.column_names, columns, strict=True)))

    return parquet(change)


def strings(*values: bytes) -> Callable[[pd.Series], pa.Array]:
    """The first values of a column of strings, unchecked."""

    def make(column: pd.Series) -> pa.Array:
        encoded = [*values, *(value.encode() for value in column.tolist()[len(values) :])]
        return pa.array(encoded, pa.binary()).view(pa.string())

    return make


def pickled(rows: pd.DataFrame) -> pa.Table:
    """A column of a type that Arrow made of a pickle, before version 14."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    evil = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": b"cposix\nsystem\n(S'exit'\ntR."}
    index = table.schema.get_field_index("shop")
    return table.set_column(index, table.schema.field(index).with_metadata(evil), table["shop"])


def dates(value: str) -> Write:
    return parquet(cells(DATE, pd.Timestamp(value).date()))


def deep(depth: int) -> Callable[[pd.Series], pa.Array]:
    def make(column: pd.Series) -> pa.Array:
        array = pa.array(np.arange(len(column)))
        for _ in range(depth):
            array = pa.StructArray.from_arrays([array], ["a"])
        return array

    return make
