"""Delta, Iceberg and Postgres are read by packages of their own where these are installed, and never as plain files.

`uv sync --group readers` installs them; without them what needs one is skipped.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from components.shared.errors import BadConfig, BadData
from pipeline.adoption import lakes, source

ROWS = pa.table({"id": list(range(10)), "shop": ["a", "b"] * 5, "price": [1.5] * 10})
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def reader(module):
    return pytest.importorskip(module, reason=f"{module} is not installed: uv sync --group readers")


@pytest.fixture
def load(tmp_path):
    (tmp_path / "work").mkdir()
    con = source.connect(tmp_path / "work")

    def run(*files, **further):
        con.execute("DROP TABLE IF EXISTS given")
        notes = source.load(con, [str(each) for each in files], tmp_path / "work", **further)
        return con.sql("FROM given").df(), notes

    yield run
    con.close()


@pytest.fixture
def lake(tmp_path):
    """A table with a log, whose file holds rows that the log has deleted."""
    folder = tmp_path / "lake" / "parcels"
    (folder / "_delta_log").mkdir(parents=True)
    pyarrow.parquet.write_table(ROWS, folder / "part-0.parquet")
    return folder


@pytest.mark.parametrize(
    ("module", "mark"), [("deltalake", "_delta_log/0.json"), ("pyiceberg.table", "metadata/v1.metadata.json")]
)
def test_a_reader_that_is_not_installed_is_named(load, tmp_path, monkeypatch, module, mark):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "t" / mark).parent.mkdir(parents=True)
    (tmp_path / "t" / mark).touch()
    with pytest.raises(BadConfig, match=rf"Expected the package {module.partition('.')[0]}: uv sync --group readers"):
        load(tmp_path / "t")


def test_postgres_without_its_driver_names_it_and_no_password(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    with pytest.raises(BadConfig, match=r"^shop of db is a Postgres database.*the package adbc-driver-postgresql"):
        load("postgresql://me:secret@db/shop", table="parcels")


@pytest.mark.parametrize("part", ["part-0.parquet", "*.parquet", "..", "../../lake"])
def test_files_of_a_table_with_a_log_are_not_read_as_plain_ones(load, lake, part):
    with pytest.raises(BadConfig, match="is a table of Delta, whose log alone says which of its files count"):
        load(lake / part)


def test_rows_that_delta_deleted_are_not_read(load, tmp_path):
    deltalake = reader("deltalake")
    table = str(tmp_path / "parcels")
    deltalake.write_deltalake(table, ROWS, partition_by=["shop"])
    deltalake.DeltaTable(table).delete("id > 6")
    found, notes = load(table)
    assert sorted(found["id"]) == list(range(7)) and set(found["shop"]) == {"a", "b"}
    assert notes == ["parcels is a table of Delta; its version 1 was read."]


def test_rows_that_iceberg_deleted_are_not_read(load, tmp_path):
    reader("pyiceberg")
    catalogs = pytest.importorskip("pyiceberg.catalog.sql", reason="pyiceberg writes with a catalog, which needs SQLAlchemy")
    catalog = catalogs.SqlCatalog("tests", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/lake")
    catalog.create_namespace("shop")
    table = catalog.create_table("shop.parcels", schema=ROWS.schema)
    table.append(ROWS)
    table.delete("id > 6")
    found, [note] = load(tmp_path / "lake" / "shop" / "parcels")
    assert sorted(found["id"]) == list(range(7))
    assert note.startswith("parcels is a table of Iceberg; its version 00002-")


def test_a_log_that_cannot_be_read_is_one_message(load, lake):
    reader("deltalake")
    with pytest.raises(BadData, match="is a table of Delta that cannot be read"):
        load(lake)


def test_versions_are_in_the_order_of_their_numbers():
    assert lakes.version(Path("00010-aa.metadata.json")) > lakes.version(Path("00009-ff.metadata.json"))


@pytest.fixture
def postgres():
    """A database of Debian's Postgres, at a socket only."""
    if not PROGRAMS or os.geteuid():
        pytest.skip("Postgres is not installed (Debian's postgresql), or this is not root, who may start it as its user")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    shutil.chown(folder, "postgres")

    def as_its_user(program, *arguments):
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", str(PROGRAMS[-1] / program)]
        subprocess.run([*command, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    as_its_user("initdb", "-D", "data", "-A", "trust")
    as_its_user("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", f"-c listen_addresses= -k {folder}", "start")
    yield f"postgresql:///postgres?host={folder}&user=postgres&password=secret"
    as_its_user("pg_ctl", "-D", "data", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_postgres_answers_by_table_or_query(load, postgres):
    driver = reader("adbc_driver_postgresql.dbapi")
    with driver.connect(postgres, autocommit=True) as database, database.cursor() as cursor:
        cursor.execute("CREATE SCHEMA shop")
        cursor.execute(
            "CREATE TABLE shop.parcels AS SELECT i AS id, DATE '2024-01-01' + i AS day, (i * 1.25)::numeric(9, 2) AS price "
            "FROM generate_series(1, 1000) i"
        )
    found, notes = load(postgres, table="shop.parcels")
    assert (len(found), found["price"].sum(), str(found["day"].min())[:10]) == (1000, 1.25 * 500_500, "2024-01-02")
    assert notes == []
    assert len(load(postgres, query="SELECT * FROM shop.parcels WHERE id > 990")[0]) == 10
    with pytest.raises(BadData, match=r'Postgres cannot read postgres of this machine: .*"parcels" does not exist') as refused:
        load(postgres, table="parcels")
    assert "secret" not in str(refused.value)
    with pytest.raises(BadConfig, match="--table NAME or --query SQL"):
        load(postgres)
