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
from components.shared.units import Unit, called
from components.span_example_gen import bucket, content, reader, whole

SHARDS = 8  # of a span, at most: later steps take their time by the file, and 200 small files took three times that of one
NO_BLOCK = ""  # of rows without a date
Read: TypeAlias = Callable[[str], Iterator[pa.RecordBatch]]  # of a file, by its path
Divide: TypeAlias = Callable[[pa.RecordBatch], dict[str, pa.RecordBatch]]  # rows by split


class Source(NamedTuple):
    """Input files of one span, and the shard that their rows become in each split, a file for each batch."""

    paths: list[str]
    span: str
    shard: str


class Written(NamedTuple):
    """What came of a source: rows by split and block, hashes of rows, and errors, of which Beam makes tracebacks."""

    blocks: dict[str, Counter[str]]
    hashes: np.ndarray
    errors: list[str]


def sources(files: Mapping[str, Sequence[str]]) -> list[Source]:
    """Part the files of each span, in order, into at most `SHARDS` sources."""
    return [
        Source(list(paths), span, spans.shard(span, index))
        for span, all_paths in files.items()
        for index, paths in enumerate(np.array_split(all_paths, min(SHARDS, len(all_paths))))
    ]


def write_shard(source: Source, output: str, read: Read, date: str, divide: Divide) -> tuple[str, Written]:
    """Write the rows of some files below `<output>/Split-<split>`, as gzipped TFRecords of serialized tf.Example.

    It holds one batch of rows at a time, however many there are. Returns the span with what came of the source.
    """
    blocks: dict[str, Counter[str]] = {split: Counter() for split in spans.SPLITS}
    hashes = [np.empty(0, np.uint64)]
    errors: list[str] = []
    for number, batch in enumerate(reader.joined(_batches(source, read, date, errors))):
        hashes.append(reader.row_hashes(batch))
        part = spans.part(source.shard, number)
        for split, rows in divide(batch).items():
            if rows.num_rows:
                blocks[split].update(reader.block_counts(rows, date) if date else {NO_BLOCK: rows.num_rows})
                values = rows.drop_columns([date]) if date else rows
                tf_examples.write(f"{output}/Split-{split}/{part}", tf_examples.encode(values).to_pylist())
                if split == "eval" and date:
                    with tf.io.gfile.GFile(spans.days_file(output, part), "wb") as file:
                        np.save(file, reader.blocks(rows, date))
    return source.span, Written(blocks, np.concatenate(hashes), errors)


def _batches(source: Source, read: Read, date: str, errors: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of all files; faults of a file are added to `errors`."""
    for path in source.paths:
        try:
            for batch in read(path):
                if date:
                    reader.check_dates(batch, date, source.span)
                yield batch
        except BadData as error:
            errors.append(f"{path}: {error}" if path not in str(error) else str(error))


def report(of_span: tuple[str, Iterable[Written]], folder: str) -> None:
    """Write what came of a span as JSON, in a small file each: Beam's own sink takes as long as a span of rows.

    It has the rows by split and block, how many rows repeat an earlier one, as when a file was delivered twice, and the errors.
    """
    span, written = of_span
    blocks, hashes, errors = zip(*written, strict=True)
    rows = np.concatenate(hashes)
    found: dict[str, Any] = {"blocks": {split: sum((each[split] for each in blocks), Counter()) for split in spans.SPLITS}}
    found |= {"repeated": len(rows) - len(np.unique(rows)), "errors": sorted(chain(*errors))}
    with tf.io.gfile.GFile(f"{folder}/{span}.json", "w") as file:
        file.write(json.dumps(found))


def check_rows(rows: Mapping[str, int], folder: str) -> None:
    """Raise BadData if a span has no rows. A file may have none: Spark writes one for each empty partition."""
    if empty := [span for span, count in rows.items() if not count]:
        raise BadData(
            f"{folder}/{empty[0]}: its files have no rows; expected at least one in each {called(empty[0])}. Deliver it "
            "again, or remove its folder and choose another window, or allow gaps (data.max_gaps)."
        )


def split_blocks(unit: Unit, window: Sequence[str], evaluated_from: datetime.datetime) -> dict[str, tuple[str, str]]:
    """Return the first and the last block of the rows of each split."""
    block = unit.block
    first, until = block.span_of(unit.start(window[0])), block.span_of(unit.end(window[-1]))
    boundary = block.span_of(evaluated_from)
    return {"train": (first, block.window(boundary, 2)[0]), "eval": (boundary, block.window(until, 2)[0])}


def check_splits(found: Mapping[str, Collection[str]], expected: Mapping[str, tuple[str, str]]) -> None:
    """Raise BadData if a split has no blocks, naming those that were expected, where rows have a date, and are there."""
    if empty := [split for split, blocks in found.items() if not blocks]:
        if not expected:
            raise BadData(
                f"No rows in the {empty[0]} split: a hash of each row decides, since they have no date. Add rows, or change "
                "data.eval_share, the share that is evaluated."
            )
        split, (first, last) = empty[0], expected[empty[0]]
        there = sorted(set().union(*found.values()))
        raise BadData(
            f"No rows in the {split} split: expected some of {first} to {last}, found rows of {there[0]} to {there[-1]}. "
            "Add those, or change data.window, or what is evaluated: data.eval_days, or data.eval_spans."
        )


def asked_for(exec_properties, present: Mapping[str, list[str]]) -> str:
    """Return the span that a run was asked for; for `spans.NEWEST`, the newest that is whole. Raises SpanNotFound."""
    if exec_properties["span"] != spans.NEWEST:
        return exec_properties["span"]
    folder, unit, days = exec_properties["spans_folder"], Unit(exec_properties["unit"]), exec_properties["complete_after_days"]
    if found := whole.found(present, bucket.marked(folder), unit, days):
        return found[-1]
    raise SpanNotFound(f"No {unit} in {folder} is whole: there is {', '.join(present)}. {whole.expected(unit, days)}")


class Executor(base_beam_executor.BaseBeamExecutor):
    """Thin: plans the sources, lets Beam write them, checks the outcomes."""

    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Write the examples. See `SpanExampleGen`. Raises SpanNotFound or BadData; nothing is published then."""
        folder, unit = exec_properties["spans_folder"], Unit(exec_properties["unit"])
        present = bucket.listing(folder, unit)
        newest = asked_for(exec_properties, present)
        window = unit.window(newest, exec_properties["window"])
        files = spans.chosen(present, window, folder, exec_properties["max_gaps"])
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples.split_names = artifact_utils.encode_split_names(list(spans.SPLITS))
        for split in spans.SPLITS:
            tf.io.gfile.makedirs(artifact_utils.get_split_uri([examples], split))
        tf.io.gfile.makedirs(spans.days_folder(examples.uri))
        date, expected = exec_properties["date"], {}
        divide: Divide = partial(reader.split_by_hash, eval_share=exec_properties["eval_share"])
        if date:
            evaluated_from = unit.evaluated_from(newest, exec_properties["eval_days"], exec_properties["eval_spans"])
            divide = partial(reader.split_by_time, date=date, evaluated_from=evaluated_from)
            expected = split_blocks(unit, window, evaluated_from)
        written = self._write(sources(files), examples.uri, divide, exec_properties)
        counts = {
            span: {
                "repeated": written[span]["repeated"],
                "rows": sum(sum(rows.values()) for rows in written[span]["blocks"].values()),
            }
            for span in files
        }
        check_rows({span: count["rows"] for span, count in counts.items()}, folder)
        found = {split: sum((Counter(written[span]["blocks"][split]) for span in files), Counter()) for split in spans.SPLITS}
        check_splits(found, expected)
        if OUTSIDE in exec_properties:  # else there was no driver, and what is made here is not reused
            stated = json.loads(exec_properties[OUTSIDE])
            content.check_unchanged(Path(folder), stated)
            examples.set_string_custom_property(content.PROPERTY, json.dumps(content.totals(stated)))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        examples.set_string_custom_property("span", newest)
        examples.set_string_custom_property("window", ",".join(files))
        rows = {split: sum(blocks.values()) for split, blocks in found.items()}
        days = {split: len({block.partition("T")[0] for block in blocks}) for split, blocks in found.items()} if date else {}
        examples.set_string_custom_property(ROWS_PROPERTY, json.dumps(rows))
        examples.set_string_custom_property(DAYS_PROPERTY, json.dumps(days))
        examples.set_string_custom_property(REPEATED_PROPERTY, json.dumps(counts, sort_keys=True))

    def _write(self, sources: list[Source], output: str, divide: Divide, exec_properties) -> dict[str, Any]:
        """Write all examples; return what was reported, by span. Raises BadData if a file is at fault."""
        reports = f"{self._get_tmp_dir().rstrip('/')}/reports"
        tf.io.gfile.makedirs(reports)
        date, block = exec_properties["date"], Unit(exec_properties["unit"]).block
        columns, ignored, missing = (json.loads(exec_properties[name]) for name in ("columns", "ignore_columns", "missing"))
        read = partial(reader.read, columns=columns, date=date, ignored=ignored, missing=missing, block=block)
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Sources" >> beam.Create(sources, reshuffle=True)
                | "Write" >> beam.Map(write_shard, output, read, date, divide)
                | "By span" >> beam.GroupByKey()
                | "Report" >> beam.Map(report, reports)
            )
        reader.end()  # of a runner in this process; a worker's end with it
        written = {span: json.loads(tf.io.gfile.GFile(f"{reports}/{span}.json").read()) for _, span, _ in sources}
        if errors := [error for report in written.values() for error in report["errors"]]:
            raise BadData("\n".join(errors))
        return written
