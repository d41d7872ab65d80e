"""What may lie in the folder of a month, and how the month may be called."""

import gzip
import os

from tests.data.corpus.cases import (
    GOES_ON,
    Case,
    as_folder_named,
    link,
    link_out,
    link_within,
    parquet,
    raw,
    span_link_out,
    with_good_rows,
)

ARABIC_ZERO = "\N{ARABIC-INDIC DIGIT ZERO}"
FILES = [
    Case(
        "compressed CSV alone",
        raw(gzip.compress(bytes(50_000_000)), "parcels.csv.gz"),
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
    Case("a suffix in upper case", lambda folder, rows: rows.to_csv(folder / "PARCELS.CSV", index=False), GOES_ON),
    Case("a link within the spans", link_within, GOES_ON),
    Case("a link out of the spans", link_out, "BadData", r"parcels.parquet leads to .*outside.parquet, outside of .*spans\."),
    Case("a month that is a link out of the spans", span_link_out, "BadData", "parcels.parquet leads to .*, outside of"),
    Case("a link to the passwords", link("/etc/passwd"), "BadData", "parcels.csv leads to /etc/passwd, outside of"),
    Case("a link to an endless device", link("/dev/zero"), "BadData", "parcels.csv is no file: a folder, a pipe, a device"),
    Case("a link to nothing", link("nowhere"), "BadData", "parcels.csv is no file: .*a link to nothing"),
    Case("a link to itself", link("parcels.csv"), "BadData", "parcels.csv is no file: "),
    Case(
        "a pipe that nobody writes to",
        lambda folder, rows: os.mkfifo(folder / "parcels.csv"),
        "BadData",
        "parcels.csv is no file: ",
    ),
    Case(
        "a folder named as a file",
        lambda folder, rows: (folder / "parcels.parquet").mkdir(),
        "BadData",
        "parcels.parquet is no file: a folder",
    ),
    Case("a line break in a name", raw(b"", "a\nb.csv"), "BadData", r"a\\nb\.csv' has a name that cannot be printed"),
    Case(
        "a name that is not UTF-8",
        raw(b"", os.fsdecode(b"\xff.csv")),
        "BadData",
        r"\\udcff\.csv' has a name that cannot be printed",
    ),
    Case("month 13", as_folder_named("2013-13"), "SpanNotFound", "No spans in", "2013-13"),
    Case("a space after the month", as_folder_named("2013-02 "), "SpanNotFound", "No spans in"),
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
