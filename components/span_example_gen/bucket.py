"""Spans in a bucket, through Beam's file systems: workers elsewhere do not see the folders of this machine."""

import glob
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from apache_beam.io.filesystems import FileSystems

from components.shared import spans
from components.span_example_gen import whole


def is_in_bucket(place: str) -> bool:
    """Whether it is a URI, such as gs://bucket/spans, and no path."""
    return "://" in place


def listing(folder: str) -> dict[str, list[str]]:
    """What is in each span below a folder of this machine or of a bucket, as `spans.listing`. Raises SpanNotFound."""
    if not is_in_bucket(folder):
        return {span: [str(path) for path in paths] for span, paths in spans.listing(Path(folder)).items()}
    folder = folder.rstrip("/")
    [found] = FileSystems.match([f"{glob.escape(folder)}/*/**"])
    paths = [metadata.path.removeprefix(f"{folder}/") for metadata in found.metadata_list]
    spans.refuse_tables(spans.beside_spans(paths), folder)
    present: dict[str, list[str]] = {}
    # A bucket has no folders: what is deeper is known by the first part of its name, as the folder that it would be.
    for span, name in sorted({(span, name) for span, name, *_ in (path.split("/") for path in paths)}):
        if spans.is_span(span) and name and not spans.is_aside(PurePosixPath(name)):
            present.setdefault(span, []).append(f"{folder}/{span}/{name}")
    return present or spans.none_in(folder)


def marked(folder: str) -> set[str]:
    """The spans that have a `whole.MARKER`, as `whole.marked`."""
    if not is_in_bucket(folder):
        return whole.marked(Path(folder))
    [found] = FileSystems.match([f"{glob.escape(folder.rstrip('/'))}/*/{whole.MARKER}"])
    return {PurePosixPath(metadata.path).parent.name for metadata in found.metadata_list}


def opened(path: str) -> BinaryIO:
    """A file, of a bucket or of this machine, to read."""
    return FileSystems.open(path)


def for_arrow(path: str) -> AbstractContextManager[BinaryIO | str]:
    """What Arrow reads: it is quicker with a path than with an open file."""
    return opened(path) if is_in_bucket(path) else nullcontext(path)
