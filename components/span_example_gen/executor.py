"""SpanExampleGen's work: Arrow batches in, sharded tf.Example records out, a Beam element for each file."""

import datetime
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.shared import spans, tf_examples
from components.shared.artifacts import DAYS_PROPERTY, REPEATED_PROPERTY, ROWS_PROPERTY
from components.shared.drivers import OUTSIDE
from components.shared.errors import BadData, SpanNotFound
from components.span_example_gen import bucket, content, reader, whole

SHARDS = 8  # of a span, at most: later steps take their time by the file, and 200 small files took three times that of one
Read: TypeAlias = Callable[[str], Iterator[pa.RecordBatch]]  # of a file, by its path


class Source(NamedTuple):
    """Input files of one span, and the shard that their rows become in each split, a file for each batch."""

    paths: list[str]
    span: str
    shard: str


class Written(NamedTuple):
    """What came of a source: rows by day, their hashes, and errors, since a Beam runner turns exceptions into tracebacks."""

    days: Counter[str]
    hashes: np.ndarray
    errors: list[str]


def sources(files: Mapping[str, Sequence[str]]) -> list[Source]:
    """Part the files of each span, in order, into at most `SHARDS` sources."""
    return [
        Source(list(paths), span, spans.shard(span, index))
        for span, all_paths in files.items()
        for index, paths in enumerate(np.array_split(all_paths, min(SHARDS, len(all_paths))))
    ]


def write_shard(source: Source, output: str, read: Read, date: str, first_eval_day: datetime.date) -> tuple[str, Written]:
    """Write the rows of some files below `<output>/Split-<split>`, as gzipped TFRecords of serialized tf.Example.

    It holds one batch of rows at a time, however many there are. Returns the span with what came of the source.
    """
    days: Counter[str] = Counter()
    hashes = [np.empty(0, np.uint64)]
    errors: list[str] = []
    for number, batch in enumerate(reader.joined(_batches(source, read, date, errors))):
        days.update(reader.days(batch, date))
        hashes.append(reader.row_hashes(batch))
        part = spans.part(source.shard, number)
        for split, rows in reader.split_by_time(batch, date, first_eval_day).items():
            if rows.num_rows:
                tf_examples.write(f"{output}/Split-{split}/{part}", tf_examples.encode(rows.drop_columns([date])).to_pylist())
                if split == "eval":
                    with tf.io.gfile.GFile(spans.days_file(output, part), "wb") as file:
                        np.save(file, rows.column(date).cast(pa.int32()).to_numpy())
    return source.span, Written(days, np.concatenate(hashes), errors)


def _batches(source: Source, read: Read, date: str, errors: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of all files; faults of a file are added to `errors`."""
    for path in source.paths:
        try:
            for batch in read(path):
                reader.check_dates(batch, date, source.span)
                yield batch
        except BadData as error:
            errors.append(f"{path}: {error}" if path not in str(error) else str(error))


def report(of_span: tuple[str, Iterable[Written]], folder: str) -> None:
    """Write what came of a span as JSON, in a small file each: Beam's own sink takes as long as a month of rows.

    It has the rows of each day, how many rows repeat an earlier one, as when a file was delivered twice, and the errors.
    """
    span, written = of_span
    days, hashes, errors = zip(*written, strict=True)
    rows = np.concatenate(hashes)
    found: dict[str, Any] = {"days": sum(days, Counter())}
    found |= {"repeated": len(rows) - len(np.unique(rows)), "errors": sorted(chain(*errors))}
    with tf.io.gfile.GFile(f"{folder}/{span}.json", "w") as file:
        file.write(json.dumps(found))


def check_rows(rows: Mapping[str, int], folder: str) -> None:
    """Raise BadData if a span has no rows. A file may have none: Spark writes one for each empty partition."""
    if empty := [span for span, count in rows.items() if not count]:
        raise BadData(
            f"{folder}/{empty[0]}: its files have no rows; expected at least one in each month. Deliver the month again, or "
            "remove its folder and choose another window."
        )


def check_splits(found: Mapping[str, Collection[str]], expected: Mapping[str, tuple[datetime.date, datetime.date]]) -> None:
    """Raise BadData if a split has no days, naming those that were expected and those that are there."""
    if empty := [split for split, days in found.items() if not days]:
        split, (first, last) = empty[0], expected[empty[0]]
        there = sorted(set().union(*found.values()))
        raise BadData(
            f"No rows in the {split} split: expected some of {first} to {last}, found rows of {there[0]} to {there[-1]}. "
            "Add those days, or change data.window or data.eval_days, the last days of the newest month that are evaluated."
        )


def asked_for(exec_properties, present: Mapping[str, list[str]]) -> str:
    """Return the span that a run was asked for; for `spans.NEWEST`, the newest that is whole. Raises SpanNotFound."""
    if exec_properties["span"] != spans.NEWEST:
        return exec_properties["span"]
    folder, days = exec_properties["spans_folder"], exec_properties["complete_after_days"]
    if found := whole.months(present, bucket.marked(folder), days):
        return found[-1]
    raise SpanNotFound(f"No month in {folder} is whole: there is {', '.join(present)}. {whole.expected(days)}")


class Executor(base_beam_executor.BaseBeamExecutor):
    """Thin: plans the sources, lets Beam write them, checks the outcomes."""

    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Write the examples. See `SpanExampleGen`. Raises SpanNotFound or BadData; nothing is published then."""
        folder = exec_properties["spans_folder"]
        present = bucket.listing(folder)
        newest = asked_for(exec_properties, present)
        window = spans.window(newest, exec_properties["window"])
        files = spans.chosen(present, window, folder)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples.split_names = artifact_utils.encode_split_names(list(spans.SPLITS))
        for split in spans.SPLITS:
            tf.io.gfile.makedirs(artifact_utils.get_split_uri([examples], split))
        tf.io.gfile.makedirs(spans.days_folder(examples.uri))
        written = self._write(sources(files), examples.uri, newest, exec_properties)
        counts = {span: {"repeated": written[span]["repeated"], "rows": sum(written[span]["days"].values())} for span in window}
        check_rows({span: count["rows"] for span, count in counts.items()}, folder)
        days = {day: rows for span in window for day, rows in written[span]["days"].items()}
        expected = spans.split_days(window, exec_properties["eval_days"])
        found = {
            split: {day: rows for day, rows in days.items() if str(first) <= day <= str(last)}
            for split, (first, last) in expected.items()
        }
        check_splits(found, expected)
        if OUTSIDE in exec_properties:  # else there was no driver, and what is made here is not reused
            stated = json.loads(exec_properties[OUTSIDE])
            content.check_unchanged(Path(folder), stated)
            examples.set_string_custom_property(content.PROPERTY, json.dumps(content.totals(stated)))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        examples.set_string_custom_property("span", newest)
        examples.set_string_custom_property("window", ",".join(window))
        rows = {split: sum(days.values()) for split, days in found.items()}
        examples.set_string_custom_property(ROWS_PROPERTY, json.dumps(rows))
        examples.set_string_custom_property(DAYS_PROPERTY, json.dumps({split: len(days) for split, days in found.items()}))
        examples.set_string_custom_property(REPEATED_PROPERTY, json.dumps(counts, sort_keys=True))

    def _write(self, sources: list[Source], output: str, newest: str, exec_properties) -> dict[str, Any]:
        """Write all examples; return what was reported, by span. Raises BadData if a file is at fault."""
        reports = f"{self._get_tmp_dir().rstrip('/')}/reports"
        tf.io.gfile.makedirs(reports)
        first_eval_day, date = spans.first_eval_day(newest, exec_properties["eval_days"]), exec_properties["date"]
        columns, ignored, missing = (json.loads(exec_properties[name]) for name in ("columns", "ignore_columns", "missing"))
        read = partial(reader.read, columns=columns, date=date, ignored=ignored, missing=missing)
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Sources" >> beam.Create(sources, reshuffle=True)
                | "Write" >> beam.Map(write_shard, output, read, date, first_eval_day)
                | "By span" >> beam.GroupByKey()
                | "Report" >> beam.Map(report, reports)
            )
        reader.end()  # of a runner in this process; a worker's end with it
        written = {span: json.loads(tf.io.gfile.GFile(f"{reports}/{span}.json").read()) for _, span, _ in sources}
        if errors := [error for report in written.values() for error in report["errors"]]:
            raise BadData("\n".join(errors))
        return written
