"""CSV as people and programs write it, and as nobody should."""

import gzip

import pandas as pd

from tests.data.corpus.cases import GOES_ON, Case, cells, line_of_half_a_gigabyte, many_shops, raw, text

CSV = [
    Case("CSV, CRLF", text(lineterminator="\r\n"), GOES_ON),
    Case("CSV, CR", text(lineterminator="\r"), GOES_ON),
    Case("CSV, byte order mark", text(encoding="utf-8-sig"), GOES_ON),
    Case("CSV, each value quoted", text(quoting=1), GOES_ON),
    Case("CSV, blank lines before the header", text(lambda text: "\n\n" + text), GOES_ON),
    Case("CSV, empty", raw(b"", "parcels.csv"), "BadData", "parcels.csv: Empty CSV file"),
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
        "line 3002: 2 cells; expected 13, as in the header",
    ),
    Case("CSV, semicolons", text(sep=";"), GOES_ON),
    Case(
        "CSV, decimal commas",
        text(decimal=",", quoting=1),
        GOES_ON,
    ),
    Case(
        "CSV, thousands separators",
        text(first=cells("distance", "1,400")),
        "BadData",
        "column distance is '1,400', and the file has numbers with a comma and with a point",
    ),
    Case(
        "CSV, 2^63",
        text(lambda text: text[: text.rindex(",") + 1] + "9223372036854775808\n"),
        "BadData",
        "line 3001: column returned is '9223372036854775808'; expected an integer",
    ),
    Case(
        "CSV, 1e300",
        text(first=cells("distance", "1e300")),
        "BadData",
        "column distance is '1e300'; expected a number .*too large",
    ),
    Case(
        "CSV, a time in a date",
        text(lambda text: text.replace("2013-02-28,", "2013-02-28T10:00:00-05:00,")),
        "BadData",
        r"line \d+: column day is '2013-02-28T10:00:00-05:00'; expected a date such as 2013-02-28, .* no zone",
    ),
    Case("CSV, a NUL byte", text(first=cells("shop", "U\0A")), "BadData", r"column shop .*'U\\x00A'"),
    Case(
        "CSV, Latin-1",
        text(first=cells("shop", "Å"), encoding="latin-1"),
        "BadData",
        r"line \d+: column shop is b'\\xc5', which is not UTF-8",
    ),
    Case("CSV, UTF-16", text(encoding="utf-16"), "BadData", "the file is UTF-16; expected UTF-8"),
    Case(
        "CSV, a quote never closed",
        text(lambda text: text.replace(",shoes,", ',"shoes,', 1)),
        "BadData",
        "line .*a quote that is never closed",
    ),
    Case(
        "CSV, a string of 5 MB",
        text(first=cells("shop", "A" * 5_000_000)),
        "BadData",
        "column shop is a text of 5,000,000 bytes",
    ),
    Case(
        "CSV, 10,000 columns",
        lambda folder, rows: (
            rows.head(50)
            .join(pd.DataFrame(0, rows.index, [f"c{n}" for n in range(10_000)]))
            .to_csv(folder / "parcels.csv", index=False)
        ),
        "BadData",
        "10,013 columns; expected at most 2,000",
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
        "CSV, 100,000 shops",
        lambda folder, rows: many_shops(rows).to_csv(folder / "parcels.csv", index=False),
        "DataRejected",
        "shop: ",
    ),
    Case("Parquet named CSV", lambda folder, rows: rows.to_parquet(folder / "parcels.csv"), "BadData", "parcels.csv"),
    Case("gzip named CSV", raw(gzip.compress(bytes(50_000_000)), "parcels.csv"), "BadData", "cannot be read: 'utf-8' codec"),
]
