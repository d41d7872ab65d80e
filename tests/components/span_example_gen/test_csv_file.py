"""CSV as people write it: separators, quotes, decimal marks, missing values; and the line of what cannot be read."""

import datetime

import pandas as pd
import pytest

from components.shared.errors import BadData
from components.span_example_gen import csv_file, data_file, reader

COLUMNS, DATE = {"country": "string", "items": "int64", "weight": "float32"}, "date"
HEADER = "date,country,items,weight\n"
ROW = "2013-02-01,UA,1,1.5\n"


def read(folder, content: str | bytes, ignored=(), missing=()) -> list[tuple]:
    """Carrier, items and weight of each row."""
    path = folder / "parcels.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    batches = list(data_file.read(path, data_file.schema_of(COLUMNS, DATE), ignored, missing))
    return [tuple(row[name] for name in COLUMNS) for batch in batches for row in batch.to_pylist()]


def test_a_category_that_is_called_as_a_missing_value_is_kept_in_either_format(tmp_path):
    """NA is Namibia, and None may be a brand."""
    rows = pd.DataFrame(
        {"country": ["NA", "NULL", "None", "\\N", "nan", None, ""], "items": 1, "weight": 1.5, DATE: "2013-02-01"}
    )
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_parquet(tmp_path / "rows.parquet", index=False)
    found = [
        [
            country
            for batch in reader.read(tmp_path / f"rows.{suffix}", COLUMNS, DATE)
            for country in batch["country"].to_pylist()
        ]
        for suffix in ("csv", "parquet")
    ]
    assert found == [["NA", "NULL", "None", "\\N", "nan", None, None]] * 2


def test_the_problem_says_what_is_missing_and_a_quoted_text_never_is(tmp_path):
    """As R writes its files: NA for a missing value, "NA" for a text."""
    content = HEADER + '2013-02-01,NA,NA,-\n2013-02-01,"NA",1,1.5\n'
    assert read(tmp_path, content, missing=["NA", "-"]) == [(None, None, None), ("NA", 1, 1.5)]
    with pytest.raises(BadData, match=r"parcels\.csv, line 2: column weight is '-'; expected a number such as 1\.5"):
        read(tmp_path, content)


def test_labels_and_dates_are_read_as_in_parquet(tmp_path):
    label = pd.Series([1.0, 0.0, None])
    rows = pd.DataFrame({"country": "UA", "items": label, "weight": 1.5, DATE: pd.to_datetime("2013-02-01 10:30")})
    for change in (lambda rows: rows, lambda rows: rows.assign(items=label.map({1.0: True, 0.0: False}).astype("boolean"))):
        change(rows).to_csv(tmp_path / "rows.csv", index=False)
        change(rows).to_parquet(tmp_path / "rows.parquet", index=False)
        for suffix in ("csv", "parquet"):
            [batch] = reader.read(tmp_path / f"rows.{suffix}", COLUMNS, DATE)
            assert batch["items"].to_pylist() == [1, 0, None]
            assert batch[DATE].to_pylist() == [datetime.date(2013, 2, 1)] * 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path, delimiter):
    assert read(tmp_path, (HEADER + ROW).replace(",", delimiter)) == [("UA", 1, 1.5)]


def test_what_excel_writes_in_europe_is_read(tmp_path):
    content = "\ufeffdate;country;items;weight\r\n2013-02-01;UA;1;1,5\r\n2013-02-01;AA;2;-0,25\r\n2013-02-01;DL;WAHR;1\r\n"
    with pytest.raises(BadData, match="line 4: column items is 'WAHR'; expected an integer"):
        read(tmp_path, content)
    assert read(tmp_path, content.replace("WAHR", "")) == [("UA", 1, 1.5), ("AA", 2, -0.25), ("DL", None, 1.0)]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            ["1,500", "2,250"],
            r"line 2: column weight is '1,500': a decimal comma, or a separator of thousands\? Expected a number",
        ),
        (["1", "1,500.5"], r"line 3: column weight is '1,500\.5', and the file has numbers with a comma and with a point"),
        (["1,5", "2.5"], r"line 2: column weight is '1,5', and the file has"),
        (["2,5", "1,500,000"], r"line 3: column weight is '1,500,000'; expected a number such as 1\.5"),
    ],
)
def test_a_comma_that_may_mean_either_is_refused(tmp_path, weights, message):
    rows = "".join(f"2013-02-01;UA;1;{weight}\n" for weight in weights)
    with pytest.raises(BadData, match=message):
        read(tmp_path, HEADER.replace(",", ";") + rows)


def test_thousandths_are_read_where_another_number_shows_the_decimal_comma(tmp_path):
    assert read(tmp_path, HEADER.replace(",", ";") + "2013-02-01;UA;1;1,500\n2013-02-01;UA;1;0,5\n") == [
        ("UA", 1, 1.5),
        ("UA", 1, 0.5),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + ROW + "\n" + ROW.replace(",1,", ",half,"), "line 4: column items is 'half'; expected an integer such as 1"),
        (
            HEADER + ROW + ROW.replace("2013-02-01", "01.02.2013"),
            "line 3: column date is '01.02.2013'; expected a date such as 2013",
        ),
        (HEADER + ROW + ROW.replace("\n", ",7\n"), "line 3: 5 cells; expected 4, as in the header"),
        (HEADER + ROW + ROW.replace("UA", '"U\nA"'), r"line 3: column country is 'U\\nA', with a control character"),
        (HEADER + ROW + ROW.replace("UA", '"UA') + ROW, "line 3: .*a quote that is never closed"),
        (
            (HEADER + ROW).encode() + ROW.encode().replace(b"UA", b"\xc5"),
            r"line 3: column country is b'\\xc5', which is not UTF-8",
        ),
        ("sep=;\n" + HEADER + ROW, "the first line is a hint for Excel, sep=; expected the names"),
        (
            "datum;country;items\n1;2;3\n",
            "column weight, date is missing. Expected country, items, weight, date; found datum, country",
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path, content, message):
    with pytest.raises(BadData, match=rf"parcels\.csv.*{message}"):
        read(tmp_path, content)


def test_line_breaks_in_quotes_of_an_ignored_column_are_read_however_long_the_file_is(tmp_path, monkeypatch):
    """Its blocks end anywhere, also within a quote."""
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 500)
    rows = "".join(f'"note {number}\r\n, and ""more""\n\n",2013-02-01,UA,{number},1.5\n' for number in range(200))
    assert [row[1] for row in read(tmp_path, "note," + HEADER + rows, ["note"])] == list(range(200))
    with pytest.raises(BadData, match=r"line 798: column items is 'x'"):
        read(tmp_path, "note," + HEADER + rows.replace(",199,", ",x,"), ["note"])


def test_a_quote_in_the_last_column_that_is_never_closed_does_not_swallow_the_rows_after_it(tmp_path):
    header, row = HEADER.replace("\n", ",note\n"), ROW.replace("\n", ",a\n")
    with pytest.raises(BadData, match=r"line 3: .*a quote that is never closed"):
        read(tmp_path, header + row + row.replace(",a", ',"a') + row, ["note"])
    assert len(read(tmp_path, header + row + row.replace(",a", ',5" pipe') + row, ["note"])) == 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_two_stray_quotes_do_not_swallow_the_rows_between_them(tmp_path, end):
    """Their number is even."""
    rows = [f"2013-02-01\tUA\t{number}\t1.5\tremark" for number in range(100)]
    rows[10], rows[90] = (row.replace("remark", stray) for row, stray in ((rows[10], '"damp box'), (rows[90], '"dry')))
    for last_end in (end, ""):
        with pytest.raises(BadData, match=r"line 12: .*a quote that is never closed"):
            read(tmp_path, end.join([HEADER.strip().replace(",", "\t") + "\tnote", *rows]) + last_end, ["note"])


@pytest.mark.parametrize(
    ("strays", "place"),
    [
        (['"damp box', 'dry"'], 4),  # one text, as CSV has it
        (['"', "a", "a", '"'], 4),
        (['"damp box', "a", 'dry"'], 2),
        (['"damp box', 'dry"'], 0),
    ],
)
def test_a_text_that_holds_rows_is_refused_although_csv_allows_it(tmp_path, strays, place):
    def line(cells: str, note: str) -> str:
        return ",".join([*cells.split(",")[:place], note, *cells.split(",")[place:]]) + "\n"

    content = line(HEADER.strip(), "note") + "".join(line(ROW.strip(), note) for note in ["a", *strays, "a"])
    with pytest.raises(BadData, match=r"line 3: the quoted text in column note holds lines with as many cells as a row"):
        read(tmp_path, content, ["note"])


def test_a_file_without_rows_has_none(tmp_path):
    for content in (HEADER, HEADER.strip(), HEADER + "\n\n"):
        assert read(tmp_path, content) == []
