"""Hostile and broken spans, each made from real flights: what it breaks, and what must come of it.

`BadData` and `SpanNotFound` end a run at its first node, `DataRejected` at the DataGate, before anything is trained.
`GOES_ON` is said of oddities that change no value.
"""

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tests.data import crafted
from tests.data.crafted import Lies
from tests.flights import COLUMNS, DATE

SPAN = "2013-02"
GOES_ON = "goes on"
ROWS = 3000  # of the good span
ONE_DAY = "No rows in the eval split: .*, found rows of 2013-02-01 to 2013-02-01"  # the two rows of a crafted file, as they are
ARABIC_ZERO = "\N{ARABIC-INDIC DIGIT ZERO}"

Write = Callable[[Path, pd.DataFrame], object]


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
    """The rows, changed, as `flights.parquet`."""

    def write(folder: Path, rows: pd.DataFrame) -> None:
        table = change(rows)
        table = pa.Table.from_pandas(table, preserve_index=False) if isinstance(table, pd.DataFrame) else table
        pa.parquet.write_table(table, folder / "flights.parquet", **options)

    return write


def column(name: str, make: Callable[[pd.Series], pa.Array]) -> Write:
    """One column as another Arrow array, in Parquet."""

    def change(rows: pd.DataFrame) -> pa.Table:
        table = pa.Table.from_pandas(rows, preserve_index=False)
        return table.set_column(table.schema.get_field_index(name), name, make(rows[name]))

    return parquet(change)


def cells(name: str, value: object, rows: int = 1) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The first rows of a column get a value."""
    return lambda flights: flights.assign(**{name: [value] * rows + flights[name].tolist()[rows:]})


def text(change: Callable[[str], str] = lambda text: text, encoding: str = "utf-8", **options) -> Write:
    """The rows as `flights.csv`, its text changed."""
    return lambda folder, rows: (folder / "flights.csv").write_bytes(
        change(rows.to_csv(index=False, **options)).encode(encoding)
    )


def raw(content: bytes, name: str = "flights.parquet") -> Write:
    return lambda folder, rows: (folder / name).write_bytes(content)


def lying(**lies: object) -> Write:
    return row_groups(Lies(**lies))  # type: ignore[arg-type]


def row_groups(*groups: Lies) -> Write:
    return raw(crafted.parquet(COLUMNS | {DATE: "date"}, *groups))


def cut(keep: float) -> Write:
    """The start of a good Parquet file."""

    def write(folder: Path, rows: pd.DataFrame) -> None:
        parquet()(folder, rows)
        path = folder / "flights.parquet"
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])

    return write


def line_of_half_a_gigabyte(behind: Callable[[str], str]) -> Write:
    """A sparse file: it takes no space on the disk."""

    def write(folder: Path, rows: pd.DataFrame) -> None:
        with (folder / "flights.csv").open("wb") as file:
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
        for name in ("carrier", "origin", "dest"):
            texts = pa.array([f"{number:0{length}}" for number in range(len(rows))])
            rows[name] = pd.Series(texts.to_pandas(), dtype="category" if is_category else object)
        return pa.Table.from_pandas(rows, preserve_index=False)

    return parquet(change, use_dictionary=False, compression="zstd")


def link(target: str) -> Write:
    return lambda folder, rows: (folder / "flights.csv").symlink_to(target)


def link_within(folder: Path, rows: pd.DataFrame) -> None:
    parquet()(folder, rows)
    (folder / "flights.parquet").rename(folder.parent / "elsewhere")
    (folder / "flights.parquet").symlink_to("../elsewhere")


def link_out(folder: Path, rows: pd.DataFrame) -> None:
    parquet()(folder, rows)
    (folder / "flights.parquet").rename(folder.parent.parent / "outside.parquet")
    (folder / "flights.parquet").symlink_to(folder.parent.parent / "outside.parquet")


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
    return table.append_column("temp", table["temp"])


def many_carriers(rows: pd.DataFrame) -> pd.DataFrame:
    flights = pd.concat([rows] * 34, ignore_index=True).head(100_000)
    return flights.assign(carrier=[f"{number:X}" for number in range(100_000)])


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
    index = table.schema.get_field_index("carrier")
    return table.set_column(index, table.schema.field(index).with_metadata(evil), table["carrier"])


def dates(value: str) -> Write:
    return parquet(cells(DATE, pd.Timestamp(value).date()))


def deep(depth: int) -> Callable[[pd.Series], pa.Array]:
    def make(column: pd.Series) -> pa.Array:
        array = pa.array(np.arange(len(column)))
        for _ in range(depth):
            array = pa.StructArray.from_arrays([array], ["a"])
        return array

    return make


TYPES = [
    Case(
        "types of two columns swapped",
        parquet(lambda rows: rows.assign(carrier=rows.distance, distance=rows.carrier)),
        "BadData",
        r"column distance is string; expected float",
    ),
    Case("text where numbers belong", parquet(cells("temp", "warm", ROWS)), "BadData", "column temp is string; expected float"),
    Case("a list", column("temp", lambda c: pa.array([[v] for v in c])), "BadData", r"column temp is list<.*; expected float"),
    Case("a structure", column("carrier", deep(1)), "BadData", r"column carrier is struct<.*; expected string"),
    Case("nested 90 deep", column("carrier", deep(90)), "BadData", r"column carrier is struct<.*…; expected string"),
    Case(
        "a map",
        column("temp", lambda c: pa.array([[("a", 1)]] * len(c), pa.map_(pa.string(), pa.int64()))),
        "BadData",
        "temp is map",
    ),
    Case("a pickle as a type", parquet(pickled), "BadData", "column carrier is extension<.*; expected string"),
    Case(
        "a string of 100 MB as each date",
        column(DATE, lambda c: pa.DictionaryArray.from_arrays(np.zeros(len(c), np.int32), ["1" * 100_000_000])),
        "BadData",
        "column date is a text of 100,000,000 bytes; expected at most 256",
    ),
    Case(
        "a decimal of 10^70",
        column("distance", lambda c: pa.array([Decimal(10) ** 70] * len(c), pa.decimal256(76, 2))),
        "BadData",
        "column distance .*is too large",
    ),
    Case("a time of day", column("temp", lambda c: pa.array([1] * len(c), pa.time32("s"))), "BadData", "temp is time32"),
    Case("a dictionary", column("carrier", lambda c: pa.array(c).dictionary_encode()), GOES_ON),
    Case("bytes that are UTF-8", column("carrier", lambda c: pa.array(c).cast(pa.binary())), GOES_ON),
    Case("a decimal", column("distance", lambda c: pa.array(c.astype("int64")).cast(pa.decimal128(22, 2))), GOES_ON),
    Case("dates as text", parquet(lambda rows: rows.assign(date=rows.date.astype(str))), GOES_ON),
    Case("timestamps", parquet(lambda rows: rows.assign(date=pd.to_datetime(rows.date))), GOES_ON),
    Case(
        "timestamps with a zone",
        parquet(lambda rows: rows.assign(date=pd.to_datetime(rows.date).dt.tz_localize("UTC"))),
        "BadData",
        r"column date is timestamp\[.*tz=UTC\]; expected date32",
    ),
]
VALUES = [
    Case(
        "a string of 5 MB",
        parquet(cells("carrier", "A" * 5_000_000)),
        "BadData",
        "column carrier is a text of 5,000,000 bytes; expected at most 256",
    ),
    Case(
        "a string of 257 bytes",
        parquet(cells("carrier", "A" * 257)),
        "BadData",
        "column carrier is a text of 257 bytes; expected at most 256",
    ),
    Case(
        "strings of 20,000 bytes, another one in each row",
        long_texts(20_000, 1),
        "BadData",
        "column carrier is a text of 20,000 bytes; expected at most 256",
    ),
    Case("strings of 250 bytes, another one in 240,000 rows", long_texts(250, 80), "DataRejected", "too many categories"),
    Case(
        "a dictionary with another string of 250 bytes in 240,000 rows",
        long_texts(250, 80, is_category=True),
        "DataRejected",
        "too many categories",
    ),
    Case(
        "a string of 100 MB, in each row",
        column("carrier", lambda c: pa.DictionaryArray.from_arrays(np.zeros(len(c), np.int32), ["A" * 100_000_000])),
        "BadData",
        "column carrier is a text of 100,000,000 bytes; expected at most 256",
    ),
    Case(
        "a NUL byte",
        parquet(cells("carrier", "U\0A")),
        "BadData",
        r"row 1: column carrier is 'U\\x00A', with a control character",
    ),
    Case(
        "an escape sequence",
        parquet(cells("dest", "\x1b[2J")),
        "BadData",
        r"column dest is '\\x1b\[2J', with a control character",
    ),
    Case("U+FFFE, which XML does not allow", parquet(cells("carrier", "\ufffe")), "BadData", r"column carrier .*'\\ufffe'"),
    Case("U+FFFF, which XML does not allow", parquet(cells("dest", "A\uffff")), "BadData", r"column dest .*'A\\uffff'"),
    Case("invalid UTF-8", column("carrier", strings(b"U\xff")), "BadData", r"column carrier is b.*; expected a text in UTF-8"),
    Case(
        "bytes that are not UTF-8",
        column("carrier", lambda c: pa.array([b"\xff"] * len(c))),
        "BadData",
        "column carrier is b.*; expected a text in UTF-8",
    ),
    Case("NaN in a required column", parquet(cells("distance", np.nan, 9)), "DataRejected", "distance: Column dropped"),
    Case(
        "NaN in each row",
        parquet(cells("temp", np.nan, ROWS)),
        "DataRejected",
        "temp: Column dropped. Found: Column is completely missing",
    ),
    Case("infinity", parquet(cells("temp", np.inf)), "DataRejected", "temp: .*infinity|temp: .*Out-of-range"),
    Case("minus infinity", parquet(cells("pressure", -np.inf)), "DataRejected", "pressure: "),
    Case("1e300", parquet(cells("temp", 1e300)), "BadData", r"column temp is 1e\+300; expected a number .*is too large"),
    Case("3e38", parquet(cells("temp", 3e38)), "DataRejected", "temp: .*Out-of-range"),
    Case("half a label", parquet(cells("late", 0.5)), "BadData", "column late .*truncated"),
    Case("2^62 as label", parquet(cells("late", 2**62)), "DataRejected", "late: "),
    Case("2^63", column("holiday", lambda c: pa.array([2**63] + [0] * (len(c) - 1), pa.uint64())), "BadData", "column holiday"),
    Case("the year 1900", dates("1900-02-01"), "BadData", "1 rows have a date outside their span 2013-02, such as 1900-02-01"),
    Case("the year 2999", parquet(lambda rows: rows.assign(date=np.datetime64("2999-02-01"))), "BadData", "such as 2999-02-01"),
    Case(
        "the year 67549, which is 2013 in 16 bits",
        column(DATE, lambda c: pa.array([15737 + 23_936_550] * len(c), pa.int32()).cast(pa.date32())),
        "BadData",
        "outside their span 2013-02, such as <value out of range: 23952287>",
    ),
    Case(
        "the year 2597, which is 2013 in INT96",
        parquet(
            lambda rows: rows.assign(date=rows.date.to_numpy("datetime64[us]") + np.timedelta64(213_504, "D")),
            use_deprecated_int96_timestamps=True,
        ),
        "BadData",
        "column date is INT96, whose years wrap; expected DATE",
    ),
    Case("no date", parquet(cells(DATE, None)), "BadData", "1 rows have a date outside their span 2013-02, such as None"),
    Case("100,000 carriers", parquet(many_carriers), "DataRejected", "carrier: too many categories"),
    Case("all values missing", parquet(lambda rows: rows.assign(**dict.fromkeys(COLUMNS))), "DataRejected", "late: "),
    Case(
        "all features missing",
        parquet(lambda rows: rows.assign(**dict.fromkeys(list(COLUMNS)[:-1]))),
        "DataRejected",
        "carrier: Column dropped",
    ),
    Case("no late flight", parquet(cells("late", 0, ROWS)), "DataRejected", "share of positive labels out of range"),
    Case("one value in each row", parquet(cells("temp", 32.0, ROWS)), "DataRejected", "temp: constant"),
    Case("an unknown airport of departure", parquet(cells("origin", "../../x")), "DataRejected", "origin: "),
    Case("markup as an airline, in one row", parquet(cells("carrier", "<script>alert(1)</script>")), GOES_ON),
    Case("a formula as an airline, in one row", parquet(cells("carrier", "=cmd|'/c calc'!A1")), GOES_ON),
    Case("text that turns around, in one row", parquet(cells("carrier", "\u202eAU")), GOES_ON),
    Case(
        "an empty string, in one row",
        parquet(cells("carrier", "")),
        "DataRejected",
        "carrier: Column dropped. Found: The feature was",
    ),
    Case("a file delivered twice", twice, "DataRejected", "repeated rows in 2013-02"),
]
NAMES = [
    Case("a column missing", parquet(lambda rows: rows.drop(columns="late")), "BadData", "column late is missing. Expected"),
    Case("a column twice", parquet(repeated_column), "BadData", "column temp stands more than once"),
    Case(
        "a column in other case",
        parquet(lambda rows: rows.rename(columns={"carrier": "Carrier"})),
        "BadData",
        "column carrier is missing",
    ),
    Case(
        "a column in both cases",
        parquet(lambda rows: rows.assign(Carrier=rows.carrier)),
        "BadData",
        "column Carrier is not declared",
    ),
    Case("a column without a name", parquet(lambda rows: rows.assign(**{"": 1})), "BadData", r'column "" \(without a name\)'),
    Case("control characters in a name", lying(name=b"a\0b\x1b[2J"), "BadData", r"column a\\x00b\\x1b\[2J is not declared"),
    Case("invalid UTF-8 in a name", lying(name=b"\xff\xfe"), "BadData", "cannot be read: 'utf-8' codec"),
    Case("a name of 1 MB", lying(name=b"x" * 1_000_000), "BadData", r"column x{60}… is not declared"),
    Case(
        "a path as a name",
        parquet(lambda rows: rows.assign(**{"../../etc/passwd": 1})),
        "BadData",
        "column ../../etc/passwd is not",
    ),
    Case(
        "1,000 more columns",
        parquet(lambda rows: pd.concat([rows, pd.DataFrame(0, rows.index, [f"c{n}" for n in range(1000)])], axis=1)),
        "BadData",
        "c0, .* and 970 more is not declared",
    ),
]
PARQUET = [
    Case("an empty file", raw(b""), "BadData", "cannot be read: Parquet file size is 0 bytes"),
    Case("cut after a half", cut(0.5), "BadData", "cannot be read: .*Expected a whole"),
    Case("cut by a byte", cut(0.99999), "BadData", "cannot be read: .*Expected a whole"),
    Case("nothing but zeros", raw(bytes(100_000)), "BadData", "cannot be read: "),
    Case("nothing but magic", raw(b"PAR1PAR1"), "BadData", "cannot be read: "),
    Case(
        "no row",
        parquet(lambda rows: rows.head(0)),
        "BadData",
        "2013-02: its files have no rows; expected at least one in each month",
    ),
    Case("CSV named Parquet", lambda folder, rows: rows.to_csv(folder / "flights.parquet"), "BadData", "cannot be read: "),
    Case("a footer of 4 GB", lying(footer_bytes=2**32 - 1), "BadData", "smaller than the size reported by footer"),
    Case("2^31 rows declared", lying(rows=2**31), "BadData", "2,147,483,648 rows; expected at most 5,000,000"),
    Case(
        "more rows declared than there are",
        lying(rows=3),
        "BadData",
        "2 rows in row group 0, but its footer says 3",
    ),
    Case("more rows declared than the row groups have", lying(file_rows=3), "BadData", "2 rows, but its footer says 3"),
    Case("6,000,000 rows in a few kilobytes", two_rows(3_000_000), "BadData", "6,000,000 rows; expected at most 5,000,000"),
    Case("1,000,000 rows in a few kilobytes", two_rows(500_000), "DataRejected", "repeated rows in 2013-02"),
    Case(
        "columns of 10 GB declared",
        lying(chunk_bytes=10**10),
        "BadData",
        "its columns have .* bytes by its footer, and the file",
    ),
    Case("columns of a negative size", lying(chunk_bytes=-5), "BadData", "column carrier|Invalid column"),
    Case(
        "pages of 2 GB declared",
        lying(page_bytes=2**31 - 1, zeros=1),
        "BadData",
        r"to read it takes more than 0\.8 GB of memory\. Expected a whole file",
    ),
    Case("pages of a negative size", lying(page_bytes=-1), "BadData", "cannot be read: Invalid page header"),
    Case(
        "pages of 2^31 values",
        lying(page_values=2**31 - 1),
        "BadData",
        ONE_DAY,
    ),
    Case("1 GB of zeros, compressed to 1 MB", lying(zeros=40_000_000), "BadData", r"takes more than 0\.8 GB of memory"),
    Case(
        "1 GB of zeros in a row group of no rows",
        row_groups(Lies(rows=0, zeros=40_000_000), Lies()),
        "BadData",
        ONE_DAY,
    ),
    Case(
        "a column that is shifted from one row group to the next",
        row_groups(Lies(values={"late": 1}), Lies(values={"late": 3})),
        "BadData",
        "cannot be read: columns do not have the same size",
    ),
    Case(
        "a page too few in each column",
        lying(page_values=1),
        "BadData",
        "1 rows in row group 0, but its footer says 2",
    ),
    Case("pages of -1 values", lying(page_values=-1), "BadData", "negative number of values"),
    Case(
        "page headers of 1 MB",
        lying(header_bytes=1 << 20),
        "BadData",
        "Exceeded size limit.*Deserializing page header failed",
    ),
    Case(
        "the pages of one row group, in 2,001 row groups",
        row_groups(Lies(header_bytes=10_000), *[Lies(is_again=True)] * 2_000),
        "BadData",
        "its columns have .* bytes by its footer, and the file",
    ),
    Case(
        "each string a prefix of the one before",
        lying(encoding=7),
        "BadData",
        "the number of values in a block must be multiple of 128",
    ),
    Case(
        "strings of 20,000 bytes, each a prefix of the one before, in a page of a few kilobytes",
        parquet(
            lambda rows: rows.assign(carrier="A" * 20_000),
            use_dictionary=False,
            column_encoding={"carrier": "DELTA_BYTE_ARRAY"},
        ),
        "BadData",
        "column carrier is a text of 20,000 bytes; expected at most 256",
    ),
    Case(
        "a dictionary of many strings, one of them of 5 MB and in each row",
        column(
            "carrier",
            lambda c: pa.DictionaryArray.from_arrays(np.zeros(len(c), np.int32), ["A" * 5_000_000, *map(str, range(60_000))]),
        ),
        "BadData",
        "column carrier is a text of 5,000,000 bytes; expected at most 256",
    ),
    Case(
        "an encoding that its bytes do not have",
        lying(encoding=6),
        "BadData",
        "the number of values in a block must be multiple of 128",
    ),
    Case("nested 100,000 deep", lying(depth=100_000), "BadData", "Exceeded size limit"),
]
CSV = [
    Case("CSV, CRLF", text(lineterminator="\r\n"), GOES_ON),
    Case("CSV, CR", text(lineterminator="\r"), GOES_ON),
    Case("CSV, byte order mark", text(encoding="utf-8-sig"), GOES_ON),
    Case("CSV, each value quoted", text(quoting=1), GOES_ON),
    Case("CSV, blank lines before the header", text(lambda text: "\n\n" + text), GOES_ON),
    Case("CSV, empty", raw(b"", "flights.csv"), "BadData", "flights.csv: Empty CSV file"),
    Case(
        "CSV, header only", text(lambda text: text.splitlines(keepends=True)[0]), "BadData", "2013-02: its files have no rows"
    ),
    Case(
        "CSV, header only, no line end", text(lambda text: text.splitlines()[0]), "BadData", "2013-02: its files have no rows"
    ),
    Case(
        "CSV, a row too short",
        text(lambda text: text + "2013-02-03,UA\n"),
        "BadData",
        "line 3002: 2 cells; expected 25, as in the header",
    ),
    Case("CSV, semicolons", text(sep=";"), GOES_ON),
    Case(
        "CSV, decimal commas",
        text(decimal=",", quoting=1),
        GOES_ON,
    ),
    Case(
        "CSV, thousands separators",
        text(lambda text: text.replace(",1400,", ',"1,400",')),
        "BadData",
        "column distance is '1,400', and the file has numbers with a comma and with a point",
    ),
    Case(
        "CSV, 2^63",
        text(lambda text: text[: text.rindex(",") + 1] + "9223372036854775808\n"),
        "BadData",
        "line 3001: column late is '9223372036854775808'; expected an integer",
    ),
    Case(
        "CSV, 1e300",
        text(lambda text: text.replace(",1400,", ",1e300,", 1)),
        "BadData",
        "column distance is '1e300'; expected a number .*too large",
    ),
    Case(
        "CSV, a time in a date",
        text(lambda text: text.replace("2013-02-28,", "2013-02-28T10:00:00-05:00,")),
        "BadData",
        r"line \d+: column date is '2013-02-28T10:00:00-05:00'; expected a date such as 2013-02-28, .* no zone",
    ),
    Case("CSV, a NUL byte", text(lambda text: text.replace(",UA,", ",U\0A,", 1)), "BadData", r"column carrier .*'U\\x00A'"),
    Case(
        "CSV, Latin-1",
        text(lambda text: text.replace(",UA,", ",Å,", 1), "latin-1"),
        "BadData",
        r"line \d+: column carrier is b'\\xc5', which is not UTF-8",
    ),
    Case("CSV, UTF-16", text(encoding="utf-16"), "BadData", "the file is UTF-16; expected UTF-8"),
    Case(
        "CSV, a quote never closed",
        text(lambda text: text.replace(",UA,", ',"UA,', 1)),
        "BadData",
        "line .*a quote that is never closed",
    ),
    Case(
        "CSV, a string of 5 MB",
        text(lambda text: text.replace(",UA,", f",{'A' * 5_000_000},", 1)),
        "BadData",
        "column carrier is a text of 5,000,000 bytes",
    ),
    Case(
        "CSV, 10,000 columns",
        lambda folder, rows: (
            rows.head(50)
            .join(pd.DataFrame(0, rows.index, [f"c{n}" for n in range(10_000)]))
            .to_csv(folder / "flights.csv", index=False)
        ),
        "BadData",
        "10,025 columns; expected at most 2,000",
    ),
    Case(
        "CSV, a header of 500 MB",
        line_of_half_a_gigabyte(lambda text: text.splitlines()[0]),
        "BadData",
        "the first line has more than 1,048,576 bytes",
    ),
    Case(
        "CSV, a line of 500 MB",
        line_of_half_a_gigabyte(lambda text: text),
        "BadData",
        "line 3: too long .*a line of more than 8,388,608 bytes",
    ),
    Case(
        "CSV, 100,000 carriers",
        lambda folder, rows: many_carriers(rows).to_csv(folder / "flights.csv", index=False),
        "DataRejected",
        "carrier: ",
    ),
    Case("Parquet named CSV", lambda folder, rows: rows.to_parquet(folder / "flights.csv"), "BadData", "flights.csv"),
    Case("gzip named CSV", raw(gzip.compress(bytes(50_000_000)), "flights.csv"), "BadData", "cannot be read: 'utf-8' codec"),
]
FILES = [
    Case(
        "compressed CSV alone",
        raw(gzip.compress(bytes(50_000_000)), "flights.csv.gz"),
        "SpanNotFound",
        "holds no data; expected files ending in .parquet or .csv",
    ),
    Case(
        "compressed CSV beside good rows",
        with_good_rows("more.csv.gz", gzip.compress(bytes(1_000))),
        "BadData",
        r"2013-02 also holds more\.csv\.gz\. Expected files ending in \.parquet or \.csv, in no further folder",
    ),
    Case("a folder of more rows", with_good_rows("part2/more.csv", b""), "BadData", r"2013-02 also holds part2\. Expected"),
    Case(
        "an escape sequence in a name beside good rows",
        with_good_rows("\x1b[2J", b""),
        "BadData",
        r"2013-02 also holds \\x1b\[2J\. Expected",
    ),
    Case("Spark's mark of success beside good rows", with_good_rows("_SUCCESS", b""), GOES_ON),
    Case("a suffix in upper case", lambda folder, rows: rows.to_csv(folder / "FLIGHTS.CSV", index=False), GOES_ON),
    Case("a link within the spans", link_within, GOES_ON),
    Case("a link out of the spans", link_out, "BadData", r"flights.parquet leads to .*outside.parquet, outside of .*spans\."),
    Case("a month that is a link out of the spans", span_link_out, "BadData", "flights.parquet leads to .*, outside of"),
    Case("a link to the passwords", link("/etc/passwd"), "BadData", "flights.csv leads to /etc/passwd, outside of"),
    Case("a link to an endless device", link("/dev/zero"), "BadData", "flights.csv is no file: a folder, a pipe, a device"),
    Case("a link to nothing", link("nowhere"), "BadData", "flights.csv is no file: .*a link to nothing"),
    Case("a link to itself", link("flights.csv"), "BadData", "flights.csv is no file: "),
    Case(
        "a pipe that nobody writes to",
        lambda folder, rows: os.mkfifo(folder / "flights.csv"),
        "BadData",
        "flights.csv is no file: ",
    ),
    Case(
        "a folder named as a file",
        lambda folder, rows: (folder / "flights.parquet").mkdir(),
        "BadData",
        "flights.parquet is no file: a folder",
    ),
    Case("a line break in a name", raw(b"", "a\nb.csv"), "BadData", r"a\\nb\.csv' has a name that cannot be printed"),
    Case(
        "a name that is not UTF-8",
        raw(b"", os.fsdecode(b"\xff.csv")),
        "BadData",
        r"\\udcff\.csv' has a name that cannot be printed",
    ),
    Case("month 13", as_folder_named("2013-13"), "SpanNotFound", "No spans in", "2013-13"),
    Case("a space behind the month", as_folder_named("2013-02 "), "SpanNotFound", "No spans in"),
    Case("digits that are not ASCII", as_folder_named(f"2013-{ARABIC_ZERO}2"), "SpanNotFound", "No spans in"),
    Case(
        "digits that are not ASCII, asked for",
        as_folder_named(f"2{ARABIC_ZERO}13-02"),
        "SpanNotFound",
        "No spans in",
        f"2{ARABIC_ZERO}13-02",
    ),
    Case("a path as the span", parquet(), "BadConfig", r"'../../x' is not a span; expected a month", "../../x"),
    Case("a pattern as the span", parquet(), "BadConfig", r"'2013-\*' is not a span", "2013-*"),
    Case("a month that is not there", parquet(), "SpanNotFound", "Span 2013-03 is not in", "2013-03"),
]
CASES = [*TYPES, *VALUES, *NAMES, *PARQUET, *CSV, *FILES]
