"""Parquet files that are damaged, or lie about themselves."""

import numpy as np
import pyarrow as pa

from tests.data.corpus.cases import Case, column, cut, lying, parquet, raw, row_groups, two_rows
from tests.data.crafted import Lies

ONE_DAY = "No rows in the eval split: .*, found rows of 2013-02-01 to 2013-02-01"  # the two rows of a crafted file, as they are
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
    Case("CSV named Parquet", lambda folder, rows: rows.to_csv(folder / "parcels.parquet"), "BadData", "cannot be read: "),
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
    Case("columns of a negative size", lying(chunk_bytes=-5), "BadData", "column shop|Invalid column"),
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
    Case("1 GB of zeros, compressed to 1 MB", lying(zeros=80_000_000), "BadData", r"takes more than 0\.8 GB of memory"),
    Case(
        "1 GB of zeros in a row group of no rows",
        row_groups(Lies(rows=0, zeros=80_000_000), Lies()),
        "BadData",
        ONE_DAY,
    ),
    Case(
        "a column that is shifted from one row group to the next",
        row_groups(Lies(values={"returned": 1}), Lies(values={"returned": 3})),
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
            lambda rows: rows.assign(shop="A" * 20_000),
            use_dictionary=False,
            column_encoding={"shop": "DELTA_BYTE_ARRAY"},
        ),
        "BadData",
        "column shop is a text of 20,000 bytes; expected at most 256",
    ),
    Case(
        "a dictionary of many strings, one of them of 5 MB and in each row",
        column(
            "shop",
            lambda c: pa.DictionaryArray.from_arrays(np.zeros(len(c), np.int32), ["A" * 5_000_000, *map(str, range(60_000))]),
        ),
        "BadData",
        "column shop is a text of 5,000,000 bytes; expected at most 256",
    ),
    Case(
        "an encoding that its bytes do not have",
        lying(encoding=6),
        "BadData",
        "the number of values in a block must be multiple of 128",
    ),
    Case("nested 100,000 deep", lying(depth=100_000), "BadData", "Exceeded size limit"),
]
