"""SpanExampleGen's work: Arrow batches in, sharded tf.Example records out, one Beam element a file."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import apache_beam as beam
import numpy as np
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components import tf_examples
from components.drivers import OUTSIDE
from components.errors import BadData, SpanNotFound
from components.span_example_gen import bucket, content, reader, spans, whole

ROWS_PROPERTY, REPEATED_PROPERTY = "rows", "repeated"


@dataclass(frozen=True)
class Source:
    """One input file, and the shard that its rows become in each split, a file a batch."""

    path: str
    span: str
    shard: str


@dataclass
class Outcome:
    """What became of a source. Errors travel as data, since a Beam runner turns exceptions into tracebacks."""

    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(spans.SPLITS, 0))
    repeated: dict[str, dict[str, int]] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Columns:
    """What to read: the arguments of `reader.read`."""

    columns: dict[str, str]
    date: str
    ignored: list[str]


HASHES = "hashes"
Named = tuple[str, Outcome]  # by the shard, or by the span
Hashes: TypeAlias = beam.pvalue.TaggedOutput[Literal["hashes"], tuple[str, np.ndarray]]  # of a file's rows, by the span


def write_shard(source: Source, output: str, read: Columns, first_eval_day) -> Iterator[Named | Hashes]:
    """Writes the rows of one file below `<output>/Split-<split>`, gzipped TFRecords of serialized tf.Example.

    It holds one batch of rows at a time, however many there are.

    Yields the shard with its outcome, and tagged `HASHES` the span with its rows' hashes.
    """
    outcome = Outcome()
    hashes = []
    try:
        for number, batch in enumerate(reader.read(source.path, read.columns, read.date, read.ignored)):
            reader.check_dates(batch, read.date, source.span)
            hashes.append(reader.row_hashes(batch))
            for split, rows in reader.split_by_time(batch, read.date, first_eval_day).items():
                if rows.num_rows:
                    outcome.rows[split] += rows.num_rows
                    path = f"{output}/Split-{split}/{spans.part(source.shard, number)}"
                    tf_examples.write(path, tf_examples.encode(rows).to_pylist())
    except BadData as error:
        yield source.shard, Outcome(error=f"{source.path}: {error}" if source.path not in str(error) else str(error))
        return
    yield source.shard, outcome
    yield beam.pvalue.TaggedOutput(HASHES, (source.span, np.concatenate(hashes)))


def repeated(span: str, hashes: Iterable[np.ndarray]) -> Named:
    """The span with how many of a span's rows repeat an earlier one, as a file that was delivered twice makes them."""
    rows = np.concatenate(list(hashes))
    return span, Outcome(repeated={span: {"repeated": len(rows) - len(np.unique(rows)), "rows": len(rows)}})


def report(named: Named, folder: str) -> None:
    """Writes an outcome where the executor reads it, a small file each: Beam's own sink takes as long as a month of rows."""
    name, outcome = named
    with tf.io.gfile.GFile(f"{folder}/{name}.json", "w") as file:
        file.write(json.dumps(asdict(outcome)))


def asked_for(exec_properties, present: Mapping[str, list[str]]) -> str:
    """The span that a run was asked for; for `spans.NEWEST` the newest of those present that is whole. Raises SpanNotFound."""
    if exec_properties["span"] != spans.NEWEST:
        return exec_properties["span"]
    folder, days = exec_properties["spans_folder"], exec_properties["complete_after_days"]
    if found := whole.months(present, bucket.marked(folder), days):
        return found[-1]
    raise SpanNotFound(f"No month in {folder} is whole: there is {', '.join(present)}. {whole.expected(days)}")


class Executor(base_beam_executor.BaseBeamExecutor):
    """Thin: plans the sources, lets Beam write them, checks the outcomes."""

    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """See `SpanExampleGen`. Raises SpanNotFound or BadData; nothing is published then."""
        folder = exec_properties["spans_folder"]
        present = bucket.listing(folder)
        newest = asked_for(exec_properties, present)
        window = spans.window(newest, exec_properties["window"])
        sources = [
            Source(path, span, spans.shard(span, index))
            for span, paths in spans.chosen(present, window, folder).items()
            for index, path in enumerate(paths)
        ]
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples.split_names = artifact_utils.encode_split_names(list(spans.SPLITS))
        for split in spans.SPLITS:
            tf.io.gfile.makedirs(artifact_utils.get_split_uri([examples], split))
        outcomes = self._write(sources, examples.uri, newest, exec_properties)
        if errors := [outcome.error for outcome in outcomes if outcome.error]:
            raise BadData("\n".join(errors))
        rows = {split: sum(outcome.rows[split] for outcome in outcomes) for split in spans.SPLITS}
        if empty := [split for split, count in rows.items() if not count]:
            raise BadData(f"No rows in the {empty[0]} split of {window[0]} to {window[-1]}; expected some in train and eval.")
        if OUTSIDE in exec_properties:  # else there was no driver, and what is made here is not used again
            stated = json.loads(exec_properties[OUTSIDE])
            content.check_unchanged(Path(folder), stated)
            examples.set_string_custom_property(content.PROPERTY, json.dumps(content.totals(stated)))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        examples.set_string_custom_property("span", newest)
        examples.set_string_custom_property("window", ",".join(window))
        examples.set_string_custom_property(ROWS_PROPERTY, json.dumps(rows))
        counts = {span: count for outcome in outcomes for span, count in outcome.repeated.items()}
        examples.set_string_custom_property(REPEATED_PROPERTY, json.dumps(counts, sort_keys=True))

    def _write(self, sources: list[Source], output: str, newest: str, exec_properties) -> list[Outcome]:
        outcomes = f"{self._get_tmp_dir().rstrip('/')}/outcomes"
        tf.io.gfile.makedirs(outcomes)
        first_eval_day = spans.first_eval_day(newest, exec_properties["eval_days"])
        read = Columns(
            json.loads(exec_properties["columns"]), exec_properties["date"], json.loads(exec_properties["ignore_columns"])
        )
        with self._make_beam_pipeline() as pipeline:
            written = (
                pipeline
                | "Sources" >> beam.Create(sources, reshuffle=True)
                | "Write" >> beam.FlatMap(write_shard, output, read, first_eval_day).with_outputs(HASHES, main="outcomes")
            )
            counts = written[HASHES] | "By span" >> beam.GroupByKey() | "Repeated" >> beam.MapTuple(repeated)
            _ = (written.outcomes, counts) | beam.Flatten() | "Report" >> beam.Map(report, outcomes)
        return [Outcome(**json.loads(tf.io.gfile.GFile(path).read())) for path in sorted(tf.io.gfile.glob(f"{outcomes}/*"))]
