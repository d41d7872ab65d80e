import sqlite3
import subprocess
import sys

import pytest

from components.shared import metadata_file
from components.shared.errors import RootUnusable

LOCK = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(60)
"""


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "metadata.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE Type (id INTEGER PRIMARY KEY, name TEXT)")
        connection.executemany("INSERT INTO Type (name) VALUES (?)", [("x" * 1000,)] * 100)
    connection.close()
    return path


@pytest.fixture
def locker(database):
    process = subprocess.Popen([sys.executable, "-c", LOCK, str(database)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "locked\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("to_write", [True, False])
def test_a_whole_an_empty_and_a_missing_file_will_do(database, tmp_path, to_write):
    metadata_file.check(database, to_write=to_write)
    metadata_file.check(tmp_path / "none", to_write=to_write)
    assert not (tmp_path / "none").exists()
    (tmp_path / "empty").touch()
    metadata_file.check(tmp_path / "empty", to_write=to_write)


DAMAGES = {
    "zeros": lambda content: bytes(len(content)),
    "a text": lambda content: b"hello" * 1000,
    "cut": lambda content: content[: len(content) // 2],
    "a page lost": lambda content: content[:8192] + bytes(4096) + content[12288:],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("to_write", [True, False])
def test_a_damaged_file_is_named_with_the_way_out(database, damage, to_write):
    database.write_bytes(DAMAGES[damage](database.read_bytes()))
    with pytest.raises(
        RootUnusable, match=r"metadata.db is damaged: .*Put a backup in its place, or move it away, and the folder artifacts"
    ):
        metadata_file.check(database, to_write=to_write)


@pytest.mark.parametrize("to_write", [True, False])
def test_a_locked_file_is_waited_for_and_then_named(database, locker, to_write):
    with pytest.raises(RootUnusable, match=r"metadata.db cannot be (written|read): database is locked.*End whatever holds it"):
        metadata_file.check(database, to_write=to_write, patience=0.1)
    locker.kill()
    metadata_file.check(database, to_write=to_write)
