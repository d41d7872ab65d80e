"""Tables of the formats that people have become the same table; what cannot be read is one message."""

import csv
import gzip
import sqlite3
import zipfile

import duckdb
import pyarrow.feather
import pytest

from components.shared.errors import BadConfig, BadData
from pipeline.adoption import csv_table, source
from tests import neutral

MADE = neutral.rows(neutral.MONTHS[:1], each=40, optional=False)[["day", "shop", "price", "gift"]]


@pytest.fixture
def con(tmp_path):
    (tmp_path / "work").mkdir()
    connected = source.connect(tmp_path / "work")
    yield connected
    connected.close()


def loaded(con, tmp_path, *files, **further):
    notes = source.load(con, [str(each) for each in files], tmp_path / "work", **further)
    return con.sql("FROM given").df(), notes


def same(found):
    assert sorted(found["price"]) == pytest.approx(sorted(MADE["price"]))
    assert sorted(found["shop"]) == sorted(MADE["shop"])


def write(kind, folder):
    """Write the made rows in a format; return what a person names."""
    path = folder / f"rows.{kind}"
    text = MADE.to_csv(index=False)
    if kind == "csv":
        path.write_text(text)
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner/rows.csv", text)
            archive.writestr("__MACOSX/._rows.csv", "no rows")
    elif kind == "parquet":
        MADE.to_parquet(path)
    elif kind == "feather":
        pyarrow.feather.write_feather(MADE, path)
    return path


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "zip", "parquet", "feather"])
def test_a_file_of_each_format_is_read(con, tmp_path, kind):
    found, notes = loaded(con, tmp_path, write(kind, tmp_path))
    same(found)
    assert notes == []


def test_a_folder_of_partitions_is_read_with_their_column(con, tmp_path):
    MADE.to_parquet(tmp_path / "table", partition_cols=["shop"])
    (tmp_path / "table" / "_SUCCESS").touch()
    same(loaded(con, tmp_path, tmp_path / "table")[0])


def test_a_glob_takes_the_files_that_fit(con, tmp_path):
    MADE[:10].to_csv(tmp_path / "rows-1.csv", index=False)
    MADE[10:].to_csv(tmp_path / "rows-2.csv", index=False)
    same(loaded(con, tmp_path, tmp_path / "rows-*.csv")[0])


def test_databases_are_asked_by_table_or_query(con, tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as lite:
        MADE.astype({"day": str}).to_sql("parcels", lite, index=False)
    found, _ = loaded(con, tmp_path, tmp_path / "a.db", table="parcels")
    same(found)
    other = duckdb.connect(str(tmp_path / "b.duckdb"))
    other.execute("CREATE TABLE parcels AS FROM found")
    other.close()
    con.execute("DROP TABLE given")
    assert len(loaded(con, tmp_path, tmp_path / "b.duckdb", query="FROM parcels LIMIT 7")[0]) == 7
    with pytest.raises(BadConfig, match="--table NAME or --query SQL"):
        loaded(con, tmp_path, tmp_path / "a.db")


def test_decimal_commas_and_other_encodings_are_understood_and_said(con, tmp_path):
    (tmp_path / "de.csv").write_bytes("day;town;price\n31.12.2013;Köln;1,5\n01.02.2014;Bonn;2,25\n".encode("latin-1"))
    found, notes = loaded(con, tmp_path, tmp_path / "de.csv")
    assert list(found["price"]) == [1.5, 2.25]
    assert list(found["town"]) == ["Köln", "Bonn"]
    assert str(found["day"].max())[:10] == "2014-02-01"
    assert [note.split(";")[0].split(" is")[0] for note in notes] == ["1 lines of de.csv are not UTF-8", "A comma"]


def test_words_for_missing_count_unless_they_are_quoted(con, tmp_path):
    (tmp_path / "a.csv").write_text('price,country\n1,NA\nNA,"NA"\n3,?\n')
    found, _ = loaded(con, tmp_path, tmp_path / "a.csv")
    assert found["price"].isna().tolist() == [False, True, False]
    assert found["country"].isna().tolist() == [True, False, True]


def test_a_text_that_was_read_as_missing_is_told(con, tmp_path):
    """NA is Namibia too; in a column of numbers it can be no value, and a blank is missing anyhow."""
    rows = ['DE;1,5;"NA"', "NA;NA;a", ";2,5;b", "NA;3,5;N/A", "FR;1,0;?"] * 20
    (tmp_path / "a.csv").write_text("country;price;code\n" + "\n".join(rows) + "\n")
    assert loaded(con, tmp_path, tmp_path / "a.csv")[1] == [
        "A comma is the decimal mark of price.",
        "country: NA without quotes was read as missing, in 40 rows; a value needs quotes.",
        "code: ?, N/A, NA without quotes was read as missing, in 40 rows; a value needs quotes.",
    ]


def test_words_stay_the_words_that_they_are(con, tmp_path):
    (tmp_path / "a.csv").write_text("came,gift\nyes,true\nno,false\n")
    assert loaded(con, tmp_path, tmp_path / "a.csv")[0].to_dict("list") == {"came": ["yes", "no"], "gift": ["true", "false"]}


def test_a_name_that_stands_twice_in_the_header_is_said(con, tmp_path):
    (tmp_path / "a.csv").write_text("size,Size,shop_1,shop\n1,2,a,b\n")
    found, notes = loaded(con, tmp_path, tmp_path / "a.csv")
    assert list(found) == ["size", "Size_1", "shop_1", "shop"]
    assert notes == ["The header has a name twice, or once more in other case: the further ones are Size_1."]


def test_a_type_that_only_later_rows_show_holds(con, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_table, "SNIFFED_ROWS", 100)
    rows = [f"{number},a" for number in range(5000)]
    (tmp_path / "a.csv").write_text("\n".join(["code,other", *rows, "x7,a", ""]))
    found, _ = loaded(con, tmp_path, tmp_path / "a.csv")
    assert found["code"].iloc[-1] == "x7"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "is not there"),
        ("empty.csv", b"", "holds no rows"),
        ("header.csv", b"a,b\n", "holds no rows"),
        ("a.parquet", b"PAR1 is all there is", "cannot be read"),
        ("a.zip", b"PK no archive", "cannot be read"),
        ("a.xlsx", b"PK", "expected files of one format"),
    ],
)
def test_what_cannot_be_read_is_one_message(con, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises((BadConfig, BadData), match=message):
        loaded(con, tmp_path, tmp_path / name)


@pytest.mark.parametrize(("separator", "quote"), [(" ", '"'), (",", '"'), ("\t", ""), (";", '"')])
def test_names_of_rows_that_r_writes_without_a_name_are_left_out(con, tmp_path, separator, quote):
    text = MADE.astype({"day": str}).to_csv(
        sep=separator, quoting=csv.QUOTE_NONNUMERIC if quote else csv.QUOTE_NONE, index_label=False
    )
    (tmp_path / "r.csv").write_text(text)
    found, notes = loaded(con, tmp_path, tmp_path / "r.csv")
    assert list(found) == list(MADE)
    same(found)
    assert notes == ["The header is a name short, as R writes it: the first column is names of rows, and is left out."]


def test_members_of_an_archive_that_have_one_name_are_all_read(con, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/rows.csv", MADE[:10].to_csv(index=False))
        archive.writestr("y/rows.csv", MADE[10:].to_csv(index=False))
        archive.writestr("README.txt", "These are parcels.\n")
    same(loaded(con, tmp_path, tmp_path / "a.zip")[0])
