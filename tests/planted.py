"""Secrets as people have them around a run, to be looked for in all that it writes: in every byte, unpacked if it is packed."""

import gzip
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

SECRET = "planted7Kq2secret"  # noqa: S105
ENVIRONMENT = {
    "AWS_SECRET_ACCESS_KEY": f"{SECRET}/aws",
    "CROSSWIND_TOKEN": f"{SECRET}-token",
    "GOOGLE_APPLICATION_CREDENTIALS": f'{{"private_key": "{SECRET}"}}',
    "KF_PIPELINES_TOKEN": f"{SECRET}-kubeflow",
}
NOTIFY = f"true --header 'Authorization: Bearer {SECRET}'"
BEAM_OPTIONS = f"['--password={SECRET}']"


def contents(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The bytes, and those that are packed in them. TFRecords and protos hold texts as they are."""
    yield name, data
    if data[:2] == b"\x1f\x8b":
        yield from contents(f"{name}, unzipped", gzip.decompress(data))
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for each in packed.namelist():
                yield from contents(f"{name}: {each}", packed.read(each))
    if data[:15] == b"SQLite format 3":  # whose long texts are in pieces
        with sqlite3.connect(":memory:") as database:
            database.deserialize(data)
            yield f"{name}, dumped", "\n".join(database.iterdump()).encode()


def leaks(folder: Path) -> list[str]:
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    secret = SECRET.encode()
    return sorted(name for file, data in files.items() for name, found in contents(file, data) if secret in found)
