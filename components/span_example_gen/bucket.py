"""Spans in a bucket, through Beam's file systems: workers elsewhere do not see the folders of this machine."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from apache_beam.io.filesystems import FileSystems

from components.span_example_gen import spans


def is_in_bucket(place: str) -> bool:
    """Whether it is a URI, such as gs://bucket/spans, and no path."""
    return "://" in place


def listing(folder: str) -> dict[str, list[str]]:
    """The data files of every span below a folder of this machine or of a bucket, sorted. Raises SpanNotFound."""
    if not is_in_bucket(folder):
        return {span: [str(path) for path in paths] for span, paths in spans.listing(Path(folder)).items()}
    [found] = FileSystems.match([f"{folder.rstrip('/')}/*/*"])
    present: dict[str, list[str]] = {}
    for path in sorted(metadata.path for metadata in found.metadata_list):
        span = PurePosixPath(path).parent.name
        if spans.is_span(span) and spans.is_data(PurePosixPath(path)):
            present.setdefault(span, []).append(path)
    return present or spans.none_in(folder)


def opened(path: str) -> BinaryIO:
    """A file, of a bucket or of this machine, to read."""
    return FileSystems.open(path)


def for_arrow(path: str) -> AbstractContextManager[BinaryIO | str]:
    """What Arrow reads: it is quicker with a path than with an open file."""
    return opened(path) if is_in_bucket(path) else nullcontext(path)
