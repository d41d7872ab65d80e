"""Tables as people have them, wrong or only odd, through the command: one message and no folder, or a decision that is told."""

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from components.shared.errors import Exit
from pipeline import adopt

ROWS = 400
RANDOM = np.random.default_rng(1)
DAYS = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(ROWS) * 12, unit="h")
TABLE = pd.DataFrame(
    {
        "day": DAYS.strftime("%Y-%m-%d"),
        "shop": RANDOM.choice(["Köln", "Bonn", "Düren"], ROWS),
        "price": RANDOM.normal(50, 9, ROWS).round(2),
        "items": RANDOM.integers(1, 30, ROWS),
        "late": RANDOM.integers(0, 2, ROWS),
    }
)
HALVES = TABLE[:200], TABLE[200:]
NAMED = lambda each: each if isinstance(each, str) and len(each) < 20 else ""  # noqa: E731
REFUSED, WRONG = Exit.DATA_REJECTED, Exit.WRONG_SETTING


def text(rows=TABLE, **further):
    return rows.to_csv(index=False, **further)


def lines(rows=TABLE):
    return text(rows).splitlines(keepends=True)


def zipped(**members):
    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name.replace("__", "/"), content)

    return write


def folder(**files):
    def write(path):
        for name, content in files.items():
            file = path / name.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)

    return write


def by_month(path):
    month = pd.to_datetime(TABLE["day"]).dt.month
    for each in range(1, 8):
        part = path / "year=2024" / f"month={each}"
        part.mkdir(parents=True)
        TABLE[month == each].drop(columns="day").to_parquet(part / "part-0.parquet", index=False)
    (path / "_SUCCESS").touch()


def archived():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", text())
    return made.getvalue()


def changed(content):
    return content[:60] + b"0123456789" + content[70:]


def encrypted(content):
    """Say in both headers of the one member that it is encrypted."""
    local, central = 6, content.rfind(b"PK\x01\x02") + 8
    return b"".join(bytes([byte | 1]) if at in (local, central) else bytes([byte]) for at, byte in enumerate(content))


def run(capsys, tmp_path, name, content, *arguments):
    path = tmp_path / name
    if callable(content):
        content(path)
    elif content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    into = tmp_path / "problems"
    into.mkdir()
    given = [str(path / "*.csv") if name == "globbed" else str(path), "--name", "parcels", "--into", str(into), *arguments]
    code = adopt.main(given if "--label" in arguments else [*given, "--label", "late"])
    said = capsys.readouterr().out
    return code, said, into


DOUBLED = b"".join(line.encode("latin-1" if at % 5 else "utf-8") for at, line in enumerate(lines()))
RAGGED = "".join([*lines()[:100], "2024-02-20,Bonn,50.0,3,1,9\n", *lines()[100:]])


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("none.csv", None, (WRONG, "none.csv is not there, or holds no data. Expected files ending in .csv")),
        ("empty.csv", "", (REFUSED, "empty.csv holds no rows. Expected a header and rows below it.")),
        ("header.csv", "day,late\n", (REFUSED, "header.csv holds no rows. Expected a header and rows below it.")),
        ("row.csv", text(TABLE[:1]), (REFUSED, "in each row that has one. Expected two values.")),
        ("few.csv", "price,late\n1.5,0\n2.5,1\n2.5,0\n", (REFUSED, "3 rows have a label. Expected 20 or more")),
        ("class.csv", text(TABLE.assign(late=1)), (REFUSED, "The label late is 1 in each row that has one. Expected two")),
        ("missing.csv", text(TABLE.assign(late=None)), (REFUSED, "The label late is missing in all 400 rows. Expected")),
        ("label.csv", text(TABLE[["late"]]), (REFUSED, "No column can be a feature beside the label late. There is no other")),
        (
            "dates.csv",
            text(TABLE.assign(came=TABLE["day"])),
            (WRONG, "Which date is a row's own, known before the outcome (--date)"),
        ),
        (
            "either.csv",
            text(TABLE.assign(day=[f"{1 + at % 12:02}/{1 + at % 7:02}/2024" for at in range(ROWS)])),
            (
                WRONG,
                "No row tells whether the day or the month is first in day (--date, as SQL)? It may be "
                "try_strptime(\"day\", '%d/%m/%Y') AS day, try_strptime(\"day\", '%m/%d/%Y') AS day, none.",
            ),
        ),
        ("ragged.csv", RAGGED, (REFUSED, "ragged.csv, row 101: 6 cells; expected 5, as in the header. Correct the row")),
        ("noise.csv", RANDOM.bytes(5000), (REFUSED, "noise.csv")),
        (
            "wide.csv",
            ",".join([*(f"x{at}" for at in range(5000)), "late"]) + "\n" + "1," * 5000 + "1\n",
            (REFUSED, "5,001 columns"),
        ),
        (
            "a.zip",
            zipped(**{"a.csv": text(), "b.parquet": "PAR1"}),
            (WRONG, "a.zip holds a.csv, b.parquet. Expected files of one"),
        ),
        ("a.zip", zipped(**{"a.pdf": "x"}), (WRONG, "a.zip holds no data. Expected files ending in .csv")),
        ("broken.csv.gz", b"\x1f\x8b no archive", (REFUSED, "broken.csv.gz cannot be read")),
        ("cut.csv.gz", gzip.compress(text().encode())[:900], (REFUSED, "cut.csv.gz cannot be read")),
        ("changed.csv.gz", changed(gzip.compress(text().encode())), (REFUSED, "changed.csv.gz cannot be read")),
        ("changed.zip", changed(archived()), (REFUSED, "changed.zip cannot be read")),
        ("cut.zip", archived()[:900], (REFUSED, "cut.zip cannot be read")),
        ("secret.zip", encrypted(archived()), (WRONG, "secret.zip needs a password. Expected an archive without one")),
        ("noise.feather", b"nothing", (REFUSED, "noise.feather: no Arrow file. Expected whole ones")),
        ("noise.parquet", text(), (REFUSED, "noise.parquet cannot be read")),
        (
            "globbed",
            folder(**{"a.csv": text(), "b.csv": "x,y\n1,2\n"}),
            (REFUSED, "b.csv has the columns x, y, and a.csv day, shop"),
        ),
        (
            "lake",
            folder(**{".hoodie__hoodie.properties": "", "a.csv": text()}),
            (WRONG, "is a table of Hudi, of which there is no"),
        ),
        (
            "nameless.csv",
            "".join(lines()[1:]),
            (WRONG, "--label late: there is no such column. Expected one of column0, column1"),
        ),
        ("other.csv", text(TABLE.rename(columns={"late": "Late"})), (WRONG, "Expected one of Late, or SQL.")),
    ],
    ids=NAMED,
)
def test_what_is_no_table_is_one_message_and_leaves_nothing(capsys, tmp_path, name, content, expected):
    code, message = expected
    found, said, into = run(capsys, tmp_path, name, content)
    assert (found, message in said) == (code, True), said
    assert said.count("BadData:") + said.count("BadConfig:") == 1
    assert str(into) not in said, "no name of a temporary file"
    assert not list(into.iterdir())


YES = TABLE["late"] == 1
DATED = pd.to_datetime(TABLE["day"])
MONTHS = "one month of day each: 2024-01 to 2024-06"
MIXED = [each.strftime("%d.%m.%Y" if at % 2 else "%Y-%m-%d") for at, each in enumerate(DATED)]


@pytest.mark.parametrize(
    ("name", "content", "messages"),
    [
        ("copy.csv", text(TABLE.assign(copy=TABLE["late"])), ["copy: alone it ranks the label with AUC 1.000"]),
        (
            "nearly.csv",
            text(TABLE.assign(nearly=np.where(np.arange(ROWS) % 200 == 0, 1 - TABLE["late"], TABLE["late"]))),
            ["nearly: flag, alone it ranks the label with AUC 0.99", "check that it is known before the outcome (a guess)"],
        ),
        (
            "refund.csv",
            text(TABLE.assign(refund=TABLE["price"].where(YES & (TABLE["items"] < 20)))),
            ["refund: there only where"],
        ),
        ("marks.csv", text(sep=";", decimal=","), ["A comma is the decimal mark of price", "2 numeric", MONTHS]),
        (
            "thousands.csv",
            text(TABLE.assign(price=[f"1.{at * 7 % ROWS:03},5" for at in range(ROWS)]), sep=";"),
            ["A comma is the decimal mark of price", "2 numeric"],
        ),
        ("either.csv", DOUBLED, ["lines of either.csv are not UTF-8; they were read as Windows-1252 (Latin-1)", MONTHS]),
        ("wide.csv", text().encode("utf-16"), ["wide.csv is UTF-16; it was read as such", MONTHS]),
        ("mark.csv", text().encode("utf-8-sig"), [MONTHS]),
        ("twice.csv", text().replace("items", "price", 1), ["The header has a name twice", "are price_1"]),
        ("case.csv", text().replace("items", "Price", 1), ["or once more in other case: the further ones are Price_1"]),
        ("quotes.csv", text(TABLE.assign(shop=TABLE["shop"].map('a "big",\n{}'.format))), [MONTHS, "1 categorical"]),
        ("two.csv", text(TABLE[["price", "late"]]), ["The rows have no date: no column is a date", "1: 1 numeric"]),
        ("german.csv", text(TABLE.assign(day=DATED.dt.strftime("%d.%m.%Y"))), [MONTHS]),
        ("american.csv", text(TABLE.assign(day=DATED.dt.strftime("%m/%d/%Y"))), [MONTHS]),
        ("words.csv", text(TABLE.assign(day=DATED.dt.strftime("%d %b %Y"))), [MONTHS]),
        ("mixed.csv", text(TABLE.assign(day=MIXED)), [MONTHS]),
        ("unknown.csv", text(TABLE.assign(day=[*MIXED[:-1], "unknown"])), ["1 rows have no label or no date", MONTHS]),
        ("seconds.csv", text(TABLE.assign(day=DAYS.astype("datetime64[s]").astype("int64"))), [MONTHS]),
        ("milliseconds.csv", text(TABLE.assign(day=DAYS.astype("datetime64[ms]").astype("int64"))), [MONTHS]),
        ("zone.csv", text(TABLE.assign(day=TABLE["day"] + "T12:00:00+02:00")), ["with a zone are taken in UTC: day", MONTHS]),
        (
            "a.csv.gz",
            b"".join(gzip.compress(part.encode()) for part in ("".join(lines()[:99]), "".join(lines()[99:]))),
            [MONTHS],
        ),
        (
            "a.zip",
            zipped(**{"x__rows.csv": text(HALVES[0]), "y__rows.csv": text(HALVES[1]), "README.txt": "About.\nRead it.\n"}),
            [MONTHS],
        ),
        ("spark", by_month, ["The date of a row, date, is made of year, month.", "one month of date each: 2024-01 to 2024-07"]),
        (
            "globbed",
            folder(**{"a.csv": text(HALVES[0]), "b.csv": text(HALVES[1].rename(columns={"price": "cost"}))}),
            ["Not in all 2 files, and missing in the rows of the others: price (in 1), cost (in 1).", MONTHS],
        ),
        ("globbed", folder(**{"a.csv": text(), "b.csv": text(TABLE[:0])}), [MONTHS]),
    ],
    ids=NAMED,
)
def test_what_is_odd_is_read_and_told(capsys, tmp_path, name, content, messages):
    code, said, into = run(capsys, tmp_path, name, content)
    assert code == Exit.DONE, said
    assert all(message in said for message in messages), said
    assert [path.name for path in into.iterdir()] == ["parcels"]


def test_parts_of_a_total_are_left_out(capsys, tmp_path):
    rows = TABLE.drop(columns="late").assign(casual=RANDOM.integers(0, 300, ROWS), registered=RANDOM.integers(0, 900, ROWS))
    rows["count"] = rows["casual"] + rows["registered"]
    code, said, _ = run(capsys, tmp_path, "bikes.csv", text(rows), "--label", "count")
    assert code == Exit.DONE, said
    assert "casual: with registered it adds up to the label, so it is known only when the label is (likely)" in said
    assert "registered: with casual it adds up to the label" in said


def test_every_row_of_a_file_of_two_encodings_keeps_its_words(capsys, tmp_path):
    _, _, into = run(capsys, tmp_path, "either.csv", DOUBLED)
    rows = pd.concat(pd.read_parquet(path) for path in (into / "parcels" / "spans").rglob("*.parquet"))
    assert set(rows["shop"]) == {"Köln", "Bonn", "Düren"}
