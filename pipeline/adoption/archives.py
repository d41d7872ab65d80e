"""Which files a person means, and what zip archives hold."""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePath

from components.shared.errors import BadConfig, listed, shown

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".feather": "arrow",
    ".arrow": "arrow",
    ".zip": "zip",
}
ENCRYPTED = 1  # bit of a zip's member
COMPRESSED = (".gz", ".zst")
EXPECTED = f"Expected files ending in {', '.join(SUFFIXES)}."


def found(files: Sequence[str]) -> list[Path]:
    """List the files that the arguments name: a file, each data file below a folder, or what a glob finds. Raises BadConfig."""
    paths: list[Path] = []
    for name in files:
        path = Path(name)
        if path.is_dir():
            more = of_a_table(sorted(each for each in path.rglob("*") if is_data(each.relative_to(path)) and each.is_file()))
        elif path.exists():
            more = [path]
        else:
            more = sorted(each for each in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if each.is_file())
        if not more:
            raise BadConfig(f"{shown(name)} is not there, or holds no data. {EXPECTED}")
        paths += more
    return paths


def of_a_table(paths: Sequence[Path]) -> list[Path]:
    """Leave out texts beside other files, which are about the data: a README.txt."""
    return [path for path in paths if path.suffix.lower() != ".txt"] or list(paths)


def is_data(path: PurePath) -> bool:
    """Tell whether a file is data, by its name and those of its folders: a name with `.` or `_` before it is none."""
    return format_of(path) is not None and not any(part.startswith((".", "_")) for part in path.parts)


def format_of(path: PurePath) -> str | None:
    """Return the format that a file's name tells; None if it is no known one.

    >>> format_of(PurePath("2013.csv.gz")), format_of(PurePath("a.xlsx"))
    ('csv', None)
    """
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    return SUFFIXES.get(name.suffix.lower())


def unpacked(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Unpack the data files of zip archives, each to a folder of its own, since names may come twice.

    Raises:
        BadConfig: there are none, or of several formats.
    """
    made: list[Path] = []
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            if any(member.flag_bits & ENCRYPTED for member in archive.infolist()):
                raise BadConfig(f"{shown(str(path))} needs a password. Expected an archive without one: unpack it.")
            for name in sorted(archive.namelist()):
                if is_data(PurePath(name)) and not name.endswith("/"):
                    made.append(folder / f"{len(made)}" / PurePath(name).name)
                    made[-1].parent.mkdir(parents=True)
                    with archive.open(name) as packed, made[-1].open("wb") as file:
                        shutil.copyfileobj(packed, file)
    if not (data := of_a_table(made)):
        raise BadConfig(f"{shown(', '.join(map(str, paths)))} holds no data. {EXPECTED}")
    if len({format_of(path) for path in data}) > 1 or format_of(data[0]) == "zip":
        names = listed([path.name for path in data])
        raise BadConfig(f"{shown(', '.join(map(str, paths)))} holds {names}. Expected files of one format, and no zip.")
    return data
