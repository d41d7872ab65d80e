"""Bring text files into UTF-8, a block at a time: what is not UTF-8 is told from its first bytes, or line by line."""

import codecs
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from components.shared.errors import shown
from pipeline.adoption.archives import COMPRESSED

BLOCK = 1 << 24  # bytes, or characters, that are held at once
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
OTHER = "cp1252"  # what Windows writes in the west; Latin-1 is a part of it


def opened(path: Path) -> BinaryIO:
    """Open a file that may be compressed, as its name says."""
    if path.suffix.lower() == ".zst":
        import pyarrow as pa  # noqa: PLC0415 (half a second)

        return cast(BinaryIO, io.BufferedReader(pa.input_stream(str(path), compression="zstd")))
    return cast(BinaryIO, gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def is_wide(path: Path) -> bool:
    """Tell whether a file begins as UTF-16 does."""
    with opened(path) as file:
        return file.read(2) in WIDE


def narrowed(paths: Sequence[Path], folder: Path) -> tuple[list[Path], list[str]]:
    """Copy the files of UTF-16 as UTF-8 to `folder`. Returns the files to read, and what was done, a sentence each."""
    found, notes = [], []
    for number, path in enumerate(paths):
        if is_wide(path):
            found.append(_target(folder, number, path))
            with opened(path) as file, found[-1].open("w", encoding="utf-8", newline="") as target:
                text = io.TextIOWrapper(file, encoding="utf-16", errors="replace", newline="")
                while block := text.read(BLOCK):
                    target.write(block)
            notes.append(f"{shown(path.name)} is UTF-16; it was read as such.")
        else:
            found.append(path)
    return found, notes


def mended(paths: Sequence[Path], folder: Path) -> tuple[list[Path], list[str]]:
    """Copy the files that are not UTF-8 throughout to `folder`, each line that is none read as Windows-1252.

    Returns:
        The files to read, and how many lines of which were read so, a sentence each.
    """
    found, notes = [], []
    for number, path in enumerate(paths):
        target, lines = _target(folder, number, path), 0
        with target.open("wb") as file:
            for block, other in _blocks(path):
                file.write(block)
                lines += other
        if lines:
            found.append(target)
            notes.append(f"{lines:,} lines of {shown(path.name)} are not UTF-8; they were read as Windows-1252 (Latin-1).")
        else:
            target.unlink()
            found.append(path)
    return found, notes


def _target(folder: Path, number: int, path: Path) -> Path:
    """Name the copy of a file after it, without the ending of a compression, which it has no more."""
    target = folder / f"text_{number}" / (path.stem if path.suffix.lower() in COMPRESSED else path.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _blocks(path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield blocks of whole lines in UTF-8, and how many lines of each were not."""
    with opened(path) as file:
        while block := file.read(BLOCK) + file.readline(BLOCK):
            lines = [block] if _is_utf8(block) else block.splitlines(keepends=True)
            other = [not _is_utf8(line) for line in lines]
            yield (
                b"".join(
                    line.decode(OTHER, "replace").encode() if is_other else line
                    for line, is_other in zip(lines, other, strict=True)
                ),
                sum(other),
            )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
