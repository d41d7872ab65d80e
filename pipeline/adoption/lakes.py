"""Tables whose log alone says which of their files count: Delta and Iceberg are read through it, others refused."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from components.shared.errors import BadConfig, BadData, shown
from pipeline.adoption import readers
from pipeline.adoption.sql import TABLE

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

DELTA, ICEBERG, HUDI = "Delta", "Iceberg", "Hudi"
METADATA = "metadata/*.metadata.json"  # of Iceberg: one a version
HINT = "metadata/version-hint.text"  # which of them counts, where no catalog says it


def kind(folder: Path) -> str:
    """Return whose table a folder is; empty if it is none with a log."""
    if (folder / "_delta_log").is_dir():
        return DELTA
    if (folder / ".hoodie").is_dir():
        return HUDI
    return ICEBERG if any(folder.glob(METADATA)) else ""


def refuse_parts(paths: Iterable[Path]) -> None:
    """Raise BadConfig if a file lies in a table with a log: it may be superseded, and hold rows that were deleted."""
    for folder in {parent for path in paths for parent in path.absolute().parents}:
        if found := kind(folder):
            raise BadConfig(
                f"{shown(str(folder))} is a table of {found}, whose log alone says which of its files count. "
                "Expected that folder alone, and not files or folders in it or above it."
            )


def load(con: "DuckDBPyConnection", folder: Path, found: str) -> list[str]:
    """Read the newest version of a table of `kind`. Returns which it is. Raises BadConfig without a reader, BadData."""
    what = f"{shown(str(folder))} is a table of {found}"
    if found == HUDI:
        raise BadConfig(f"{what}, of which there is no reader. Expected its rows as Parquet files, exported by the engine.")
    is_delta = found == DELTA
    module = readers.module("deltalake" if is_delta else "pyiceberg.table", what)
    try:
        rows, version = delta(module, folder) if is_delta else iceberg(module, folder)
        con.register("rows_of_lake", rows)
        con.execute(f"CREATE TABLE {TABLE} AS FROM rows_of_lake")
    except Exception as error:  # each of the two has errors of its own, without a common class
        raise BadData(f"{what} that cannot be read: {type(error).__name__}: {shown(str(error).splitlines()[0])}") from error
    return [f"{shown(folder.name)} is a table of {found}; its version {version} was read."]


def delta(deltalake, folder: Path) -> "tuple[pa.RecordBatchReader, str]":
    """Return the rows that Delta's log names, without those that it deletes, and the version."""
    import pyarrow as pa  # noqa: PLC0415 (half a second)

    table = deltalake.DeltaTable(str(folder))
    rows = deltalake.QueryBuilder().register("lake", table).execute("SELECT * FROM lake")
    return pa.RecordBatchReader.from_stream(rows), str(table.version())


def iceberg(pyiceberg, folder: Path) -> "tuple[pa.RecordBatchReader, str]":
    """Return the rows of the version that the hint names, or else of the newest, and its file's name."""
    files = sorted(folder.glob(METADATA), key=lambda path: (version(path), path.name))
    if (hint := folder / HINT).is_file():
        files = [path for path in files if version(path) == int(hint.read_text(encoding="ascii"))] or files
    table = pyiceberg.StaticTable.from_metadata(str(files[-1].absolute()))
    return table.scan().to_arrow_batch_reader(), files[-1].name.partition(".")[0]


def version(metadata: Path) -> int:
    """Return the number of a version from its file's name.

    >>> version(Path("00012-ab4f.metadata.json")), version(Path("v3.metadata.json"))
    (12, 3)
    """
    found = re.match(r"v?(\d+)", metadata.name)
    return int(found[1]) if found else 0
