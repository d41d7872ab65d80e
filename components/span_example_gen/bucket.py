"""Read spans in a bucket through Beam's file systems: workers elsewhere do not see the folders of this machine."""

import glob
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from apache_beam.io.filesystems import FileSystems

from components.shared import spans
from components.shared.units import Unit
from components.span_example_gen import whole

COPIED_BYTES = 8 << 20  # at a time


def is_in_bucket(place: str) -> bool:
    """Tell whether a place is a URI, such as gs://bucket/spans, not a path."""
    return "://" in place


def listing(folder: str, unit: Unit) -> dict[str, list[str]]:
    """List what is in each span below a folder of this machine or of a bucket, as `spans.listing`. Raises SpanNotFound."""
    if not is_in_bucket(folder):
        return {span: [str(path) for path in paths] for span, paths in spans.listing(Path(folder), unit).items()}
    folder = folder.rstrip("/")
    [found] = FileSystems.match([f"{glob.escape(folder)}/*/**"])
    paths = [metadata.path.removeprefix(f"{folder}/") for metadata in found.metadata_list]
    spans.refuse_tables(spans.beside_spans(paths, unit), folder)
    present: dict[str, list[str]] = {}
    # A bucket has no folders: what is deeper counts as the folder that the first part of its name would be.
    for span, name in sorted({(span, name) for span, name, *_ in (path.split("/") for path in paths)}):
        if unit.is_span(span) and name and not spans.is_aside(PurePosixPath(name)):
            present.setdefault(span, []).append(f"{folder}/{span}/{name}")
    return present or spans.none_in(folder, unit, sorted({path.partition("/")[0] for path in paths}))


def marked(folder: str) -> set[str]:
    """Find the spans that have a `whole.MARKER`, as `whole.marked`."""
    if not is_in_bucket(folder):
        return whole.marked(Path(folder))
    [found] = FileSystems.match([f"{glob.escape(folder.rstrip('/'))}/*/{whole.MARKER}"])
    return {PurePosixPath(metadata.path).parent.name for metadata in found.metadata_list}


@contextmanager
def local(path: str) -> Iterator[str]:
    """Yield a file as one of this machine, copying that of a bucket for as long as it is read. Its path is absolute."""
    if not is_in_bucket(path):
        yield str(Path(path).absolute())
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = f"{folder}/{PurePosixPath(path).name}"
        with FileSystems.open(path) as remote, open(copy, "wb") as file:  # noqa: PTH123 (as remote)
            shutil.copyfileobj(remote, file, COPIED_BYTES)
        yield copy
