"""Columns of other types and names, and values that no column may have, in sound Parquet files."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.data.corpus.cases import (
    GOES_ON,
    ROWS,
    Case,
    cells,
    column,
    dates,
    deep,
    long_texts,
    lying,
    many_shops,
    parquet,
    pickled,
    repeated_column,
    strings,
    twice,
)
from tests.neutral import COLUMNS, DATE

TYPES = [
    Case(
        "types of two columns swapped",
        parquet(lambda rows: rows.assign(shop=rows["distance"], distance=rows["shop"])),
        "BadData",
        "column shop is double; expected string",
    ),
    Case(
        "text where numbers belong", parquet(cells("price", "warm", ROWS)), "BadData", "column price is string; expected float"
    ),
    Case(
        "a list", column("price", lambda c: pa.array([[v] for v in c])), "BadData", r"column price is list<.*; expected float"
    ),
    Case("a structure", column("shop", deep(1)), "BadData", r"column shop is struct<.*; expected string"),
    Case("nested 90 deep", column("shop", deep(90)), "BadData", r"column shop is struct<.*…; expected string"),
    Case(
        "a map",
        column("price", lambda c: pa.array([[("a", 1)]] * len(c), pa.map_(pa.string(), pa.int64()))),
        "BadData",
        "price is map",
    ),
    Case("a pickle as a type", parquet(pickled), "BadData", "column shop is extension<.*; expected string"),
    Case(
        "a string of 100 MB as each date",
        column(DATE, lambda c: pa.DictionaryArray.from_arrays(np.zeros(len(c), np.int32), ["1" * 100_000_000])),
        "BadData",
        "column day is a text of 100,000,000 bytes; expected at most 256",
    ),
    Case(
        "a decimal of 10^70",
        column("distance", lambda c: pa.array([Decimal(10) ** 70] * len(c), pa.decimal256(76, 2))),
        "BadData",
        "column distance .*is too large",
    ),
    Case("a time of day", column("price", lambda c: pa.array([1] * len(c), pa.time32("s"))), "BadData", "price is time32"),
    Case("a dictionary", column("shop", lambda c: pa.array(c).dictionary_encode()), GOES_ON),
    Case("bytes that are UTF-8", column("shop", lambda c: pa.array(c).cast(pa.binary())), GOES_ON),
    Case("a decimal", column("distance", lambda c: pa.array(c.astype("int64")).cast(pa.decimal128(22, 2))), GOES_ON),
    Case("dates as text", parquet(lambda rows: rows.assign(day=rows[DATE].astype(str))), GOES_ON),
    Case("timestamps", parquet(lambda rows: rows.assign(day=pd.to_datetime(rows[DATE]))), GOES_ON),
    Case(
        "timestamps with a zone",
        parquet(lambda rows: rows.assign(day=pd.to_datetime(rows[DATE]).dt.tz_localize("UTC"))),
        "BadData",
        r"column day is timestamp\[.*tz=UTC\]; expected date32",
    ),
]

VALUES = [
    Case(
        "a string of 5 MB",
        parquet(cells("shop", "A" * 5_000_000)),
        "BadData",
        "column shop is a text of 5,000,000 bytes; expected at most 256",
    ),
    Case(
        "a string of 257 bytes",
        parquet(cells("shop", "A" * 257)),
        "BadData",
        "column shop is a text of 257 bytes; expected at most 256",
    ),
    Case(
        "strings of 20,000 bytes, another one in each row",
        long_texts(20_000, 1),
        "BadData",
        "column shop is a text of 20,000 bytes; expected at most 256",
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
        column("shop", lambda c: pa.DictionaryArray.from_arrays(np.zeros(len(c), np.int32), ["A" * 100_000_000])),
        "BadData",
        "column shop is a text of 100,000,000 bytes; expected at most 256",
    ),
    Case(
        "a NUL byte",
        parquet(cells("shop", "U\0A")),
        "BadData",
        r"row 1: column shop is 'U\\x00A', with a control character",
    ),
    Case(
        "an escape sequence",
        parquet(cells("country", "\x1b[2J")),
        "BadData",
        r"column country is '\\x1b\[2J', with a control character",
    ),
    Case("U+FFFE, which XML does not allow", parquet(cells("shop", "\ufffe")), "BadData", r"column shop .*'\\ufffe'"),
    Case("U+FFFF, which XML does not allow", parquet(cells("country", "A\uffff")), "BadData", r"column country .*'A\\uffff'"),
    Case("invalid UTF-8", column("shop", strings(b"U\xff")), "BadData", r"column shop is b.*; expected a text in UTF-8"),
    Case(
        "bytes that are not UTF-8",
        column("shop", lambda c: pa.array([b"\xff"] * len(c))),
        "BadData",
        "column shop is b.*; expected a text in UTF-8",
    ),
    Case("NaN in a required column", parquet(cells("distance", np.nan, 9)), "DataRejected", "distance: Column dropped"),
    Case(
        "NaN in each row",
        parquet(cells("price", np.nan, ROWS)),
        "DataRejected",
        "price: Column dropped. Found: Column is completely missing",
    ),
    Case("infinity", parquet(cells("price", np.inf)), "DataRejected", "price: .*infinity|price: .*Out-of-range"),
    Case("minus infinity", parquet(cells("distance", -np.inf)), "DataRejected", "distance: "),
    Case("1e300", parquet(cells("price", 1e300)), "BadData", r"column price is 1e\+300; expected a number .*is too large"),
    Case("3e38", parquet(cells("price", 3e38)), "DataRejected", "price: .*Out-of-range"),
    Case("half a label", parquet(cells("returned", 0.5)), "BadData", "column returned .*truncated"),
    Case("2^62 as label", parquet(cells("returned", 2**62)), "DataRejected", "returned: "),
    Case("2^63", column("gift", lambda c: pa.array([2**63] + [0] * (len(c) - 1), pa.uint64())), "BadData", "column gift"),
    Case("the year 1900", dates("1900-02-01"), "BadData", "1 rows have a day outside their span 2013-02, such as 1900-02-01"),
    Case("the year 2999", parquet(lambda rows: rows.assign(day=np.datetime64("2999-02-01"))), "BadData", "such as 2999-02-01"),
    Case(
        "the year 67549, which is 2013 in 16 bits",
        column(DATE, lambda c: pa.array([15737 + 23_936_550] * len(c), pa.int32()).cast(pa.date32())),
        "BadData",
        "outside their span 2013-02, such as <value out of range: 23952287>",
    ),
    Case(
        "the year 2597, which is 2013 in INT96",
        parquet(
            lambda rows: rows.assign(day=rows[DATE].to_numpy("datetime64[us]") + np.timedelta64(213_504, "D")),
            use_deprecated_int96_timestamps=True,
        ),
        "BadData",
        "column day is INT96, whose years wrap; expected DATE",
    ),
    Case("no date", parquet(cells(DATE, None)), "BadData", "1 rows have a day outside their span 2013-02, such as None"),
    Case("100,000 shops", parquet(many_shops), "DataRejected", "shop: too many categories"),
    Case("all values missing", parquet(lambda rows: rows.assign(**dict.fromkeys(COLUMNS))), "DataRejected", "returned: "),
    Case(
        "all features missing",
        parquet(lambda rows: rows.assign(**dict.fromkeys(list(COLUMNS)[:-1]))),
        "DataRejected",
        "shop: Column dropped",
    ),
    Case(
        "no parcel that comes back",
        parquet(cells("returned", 0, ROWS)),
        "DataRejected",
        "share of positive labels out of range",
    ),
    Case("one value in each row", parquet(cells("price", 32.0, ROWS)), "DataRejected", "price: constant"),
    Case("an unknown country", parquet(cells("country", "../../x")), "DataRejected", "country: "),
    Case("markup as a shop, in one row", parquet(cells("shop", "<script>alert(1)</script>")), GOES_ON),
    Case("a formula as a shop, in one row", parquet(cells("shop", "=cmd|'/c calc'!A1")), GOES_ON),
    Case("text that turns around, in one row", parquet(cells("shop", "\u202eAU")), GOES_ON),
    Case(
        "an empty string, in one row",
        parquet(cells("shop", "")),
        "DataRejected",
        "shop: Column dropped. Found: The feature was",
    ),
    Case("a file delivered twice", twice, "DataRejected", "repeated rows in 2013-02"),
]

NAMES = [
    Case(
        "a column missing",
        parquet(lambda rows: rows.drop(columns="returned")),
        "BadData",
        "column returned is missing. Expected",
    ),
    Case("a column twice", parquet(repeated_column), "BadData", "column price stands more than once"),
    Case(
        "a column in other case",
        parquet(lambda rows: rows.rename(columns={"shop": "Shop"})),
        "BadData",
        "column shop is missing",
    ),
    Case(
        "a column in both cases",
        parquet(lambda rows: rows.assign(Shop=rows["shop"])),
        "BadData",
        "column Shop is not declared",
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
