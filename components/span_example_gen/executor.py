"""SpanExampleGen's work: Arrow batches in, sharded tf.Example records out, a Beam element for each file."""

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.shared import folders, spans, tf_examples
from components.shared.artifacts import DAYS_PROPERTY, REPEATED_PROPERTY, ROWS_PROPERTY
from components.shared.drivers import OUTSIDE
from components.shared.errors import BadData, SpanNotFound
from components.span_example_gen import bucket, content, reader, reader_process, whole

SHARDS = 8  # of a span, at most: later steps take their time by the file, and 200 small files took three times that of one


@dataclass(frozen=True)
class Source:
    """Input files of one span, and the shard that their rows become in each split, a file for each batch."""

    paths: list[str]
    span: str
    shard: str


@dataclass
class Read:
    """The result for a source. Errors travel as data, since a Beam runner turns exceptions into tracebacks."""

    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(spans.SPLITS, 0))
    days: dict[str, list[str]] = field(default_factory=lambda: {split: [] for split in spans.SPLITS})
    repeated: dict[str, dict[str, int]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Columns:
    """What to read: the arguments of `reader.read`."""

    columns: dict[str, str]
    date: str
    ignored: list[str]
    missing: list[str]


HASHES = "hashes"
Named = tuple[str, Read]  # by the shard, or by the span
Hashes: TypeAlias = beam.pvalue.TaggedOutput[Literal["hashes"], tuple[str, np.ndarray]]  # of a file's rows, by the span


def sources(files: Mapping[str, Sequence[str]]) -> list[Source]:
    """Part the files of each span, in order, into at most `SHARDS` sources."""
    return [
        Source(list(paths), span, spans.shard(span, index))
        for span, all_paths in files.items()
        for index, paths in enumerate(np.array_split(all_paths, min(SHARDS, len(all_paths))))
    ]


def write_shard(source: Source, output: str, read: Columns, first_eval_day) -> Iterator[Named | Hashes]:
    """Write the rows of some files below `<output>/Split-<split>`, as gzipped TFRecords of serialized tf.Example.

    It holds one batch of rows at a time, however many there are.

    Yields the shard with its result, and, tagged `HASHES`, the span with its rows' hashes.
    """
    outcome = Read()
    hashes = [np.empty(0, np.uint64)]
    days: dict[str, set[str]] = {split: set() for split in spans.SPLITS}
    for number, batch in enumerate(reader.joined(_batches(source, read, outcome.errors))):
        hashes.append(reader.row_hashes(batch))
        for split, rows in reader.split_by_time(batch, read.date, first_eval_day).items():
            if rows.num_rows:
                outcome.rows[split] += rows.num_rows
                days[split] |= reader.days(rows, read.date)
                part = spans.part(source.shard, number)
                tf_examples.write(
                    f"{output}/Split-{split}/{part}", tf_examples.encode(rows.drop_columns([read.date])).to_pylist()
                )
                if split == "eval":
                    with tf.io.gfile.GFile(spans.days_file(output, part), "wb") as file:
                        np.save(file, reader.day_numbers(rows, read.date))
    outcome.days = {split: sorted(found) for split, found in days.items()}
    yield source.shard, outcome
    yield beam.pvalue.TaggedOutput(HASHES, (source.span, np.concatenate(hashes)))


def _batches(source: Source, read: Columns, errors: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of all files; faults of a file are added to `errors`."""
    for path in source.paths:
        try:
            for batch in reader.read(path, read.columns, read.date, read.ignored, read.missing):
                reader.check_dates(batch, read.date, source.span)
                yield batch
        except BadData as error:
            errors.append(f"{path}: {error}" if path not in str(error) else str(error))


def repeated(span: str, hashes: Iterable[np.ndarray]) -> Named:
    """Count how many of a span's rows repeat an earlier one, as when a file was delivered twice."""
    rows = np.concatenate(list(hashes))
    return span, Read(repeated={span: {"repeated": len(rows) - len(np.unique(rows)), "rows": len(rows)}})


def check_rows(rows: Mapping[str, int], folder: str) -> None:
    """Raise BadData if a span has no rows. A file may have none: Spark writes one for each empty partition."""
    if empty := [span for span, count in rows.items() if not count]:
        raise BadData(
            f"{folder}/{empty[0]}: its files have no rows; expected at least one in each month. Deliver the month again, or "
            "remove its folder and choose another window."
        )


def check_splits(found: Mapping[str, set[str]], expected: Mapping[str, tuple[datetime.date, datetime.date]]) -> None:
    """Raise BadData if a split has no days, naming those that were expected and those that are there."""
    if empty := [split for split, days in found.items() if not days]:
        split, (first, last) = empty[0], expected[empty[0]]
        there = sorted(set().union(*found.values()))
        raise BadData(
            f"No rows in the {split} split: expected some of {first} to {last}, found rows of {there[0]} to {there[-1]}. "
            "Add those days, or change data.window or data.eval_days, the last days of the newest month that are evaluated."
        )


def report(named: Named, folder: str) -> None:
    """Write a result where the executor reads it, in a small file each: Beam's own sink takes as long as a month of rows."""
    name, outcome = named
    with tf.io.gfile.GFile(f"{folder}/{name}.json", "w") as file:
        file.write(json.dumps(asdict(outcome)))


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
        outcomes = self._write(sources(files), examples.uri, newest, exec_properties)
        if errors := [error for outcome in outcomes for error in outcome.errors]:
            raise BadData("\n".join(errors))
        counts = {span: count for outcome in outcomes for span, count in outcome.repeated.items()}
        check_rows({span: counts[span]["rows"] for span in window}, folder)
        rows = {split: sum(outcome.rows[split] for outcome in outcomes) for split in spans.SPLITS}
        found = {split: {day for outcome in outcomes for day in outcome.days[split]} for split in spans.SPLITS}
        check_splits(found, spans.split_days(window, exec_properties["eval_days"]))
        if OUTSIDE in exec_properties:  # else there was no driver, and what is made here is not reused
            stated = json.loads(exec_properties[OUTSIDE])
            content.check_unchanged(Path(folder), stated)
            examples.set_string_custom_property(content.PROPERTY, json.dumps(content.totals(stated)))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        examples.set_string_custom_property("span", newest)
        examples.set_string_custom_property("window", ",".join(window))
        examples.set_string_custom_property(ROWS_PROPERTY, json.dumps(rows))
        examples.set_string_custom_property(DAYS_PROPERTY, json.dumps({split: len(days) for split, days in found.items()}))
        examples.set_string_custom_property(REPEATED_PROPERTY, json.dumps(counts, sort_keys=True))

    def _write(self, sources: list[Source], output: str, newest: str, exec_properties) -> list[Read]:
        outcomes = f"{self._get_tmp_dir().rstrip('/')}/outcomes"
        tf.io.gfile.makedirs(outcomes)
        first_eval_day = spans.first_eval_day(newest, exec_properties["eval_days"])
        lists = {name: json.loads(exec_properties[name]) for name in ("columns", "ignore_columns", "missing")}
        read = Columns(lists["columns"], exec_properties["date"], lists["ignore_columns"], lists["missing"])
        with self._make_beam_pipeline() as pipeline:
            written = (
                pipeline
                | "Sources" >> beam.Create(sources, reshuffle=True)
                | "Write" >> beam.FlatMap(write_shard, output, read, first_eval_day).with_outputs(HASHES, main="outcomes")
            )
            counts = written[HASHES] | "By span" >> beam.GroupByKey() | "Repeated" >> beam.MapTuple(repeated)
            _ = (written.outcomes, counts) | beam.Flatten() | "Report" >> beam.Map(report, outcomes)
        reader_process.end()  # of a runner in this process; a worker's end with it
        return [Read(**json.loads(tf.io.gfile.GFile(path).read())) for path in folders.matching(outcomes)]
