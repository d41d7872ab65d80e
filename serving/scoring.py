"""Score Parquet files with Beam and tfx_bsl's RunInference. A part is a slice of a row group; its name says its place.

RunInference makes a proto of each example's answer, which costs ten times what the model does. So an "example" here is a whole
part, as Arrow's bytes, and the model that is loaded takes and gives columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
import tfx  # noqa: F401  # before tfx_bsl, whose extension it prepares
from apache_beam.io.filesystems import FileSystems
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2
from tfx_bsl.public.beam import run_inference
from tfx_bsl.public.proto import model_spec_pb2

from components.shared import answers, values
from components.shared.errors import BadData, OtherColumns, listed
from components.span_example_gen import columns
from serving.client import RAW, RawSignature

PART_ROWS = 16_384  # a call of the model: more rows cost memory and make it no faster
ARROW: dict[str, pa.DataType] = {"DT_STRING": pa.string(), "DT_FLOAT": pa.float32(), "DT_INT64": pa.int64()}
RowsOfPart = tuple[str, pa.RecordBatch]  # a part's name and its rows


@dataclass(frozen=True)
class RowGroup:
    """A piece of work: a row group of a file, on any file system that Beam knows. Its parts count on from `first`."""

    path: str
    number: int
    first: int
    inputs: dict[str, str]


@dataclass(frozen=True)
class Added:
    """The columns that answers are written to, and what to add to a number for the last two of them."""

    names: list[str]
    interval: answers.Interval | None


def raw_signature(model: Path, origin: Path) -> RawSignature:
    """Read what the signature `raw` of a copied model takes and gives. Raises BadData if it has none."""
    saved = saved_model_pb2.SavedModel.FromString((model / "saved_model.pb").read_bytes())
    definition = saved.meta_graphs[0].signature_def.get(RAW)
    if definition is None:
        raise BadData(f"{origin} has no signature `raw`, which names the inputs. Expected a model of this pipeline.")
    inputs = {name: types_pb2.DataType.Name(tensor.dtype) for name, tensor in definition.inputs.items()}
    return RawSignature(inputs, answers.only({name: name for name in definition.outputs}))


def row_groups(paths: list[str], inputs: dict[str, str], added: Sequence[str]) -> list[RowGroup]:
    """List the row groups of all files, in order, without empty ones. Raises BadData for files that cannot be scored.

    Args:
        paths: the files, or folders of them.
        inputs: what the model takes, name to dtype.
        added: columns that the answers are written to, which the files must not have yet.
    """
    found: list[RowGroup] = []
    parts = 0
    for path in files(paths):
        try:
            with FileSystems.open(path) as file:
                parquet = pq.ParquetFile(file)
                metadata, schema = parquet.metadata, parquet.schema_arrow
        except (OSError, pa.ArrowException, beam.io.filesystem.BeamIOError) as error:
            raise BadData(f"{path} cannot be read as Parquet: {error}") from error
        _check_schema(path, schema, inputs, added)
        for number in range(metadata.num_row_groups):
            if rows := metadata.row_group(number).num_rows:
                found.append(RowGroup(path, number, parts, inputs))
                parts += -(-rows // PART_ROWS)
    if not found:
        raise BadData(f"{', '.join(paths)}: there are no rows; expected at least one.")
    return found


def _check_schema(path: str, schema: pa.Schema, inputs: dict[str, str], added: Sequence[str]) -> None:
    if taken := [name for name in added if name in schema.names]:
        raise BadData(
            f"{path} has a column {taken[0]} already, which the scores would be written to. Rename it, or leave it out."
        )
    expected = pa.schema([(name, ARROW[dtype]) for name, dtype in inputs.items()])
    try:  # as in training
        columns.require(expected, schema.names, ignored=schema.names)
    except BadData as error:
        raise OtherColumns(f"{path}: {error}", expected.names) from error
    try:
        columns.check_types(schema, expected)
    except BadData as error:
        raise BadData(f"{path}: {error}") from error


def files(paths: Sequence[str]) -> list[str]:
    """List the Parquet files that are meant: of a folder, such as that of a span, all in the order of their names.

    Names that start with `.` or `_` are left out, as in a span. Raises BadData for a folder without, or with other files.
    """
    found: list[str] = []
    for path in paths:
        folder = Path(path)
        inside = sorted(each for each in folder.iterdir() if each.name[0] not in "._") if folder.is_dir() else []
        if folder.is_dir() and (not inside or any(each.suffix != ".parquet" for each in inside)):
            held = listed([each.name for each in inside]) or "nothing"
            raise BadData(f"{path} holds {held}. Expected Parquet files, whose names end in .parquet, and nothing else.")
        found += map(str, inside) if inside else [path]
    return found


def parts(group: RowGroup) -> Iterator[tuple[RowsOfPart, list[bytes]]]:
    """Yield the parts of a row group: the rows, and the model's inputs as an example for RunInference. Raises BadData."""
    with FileSystems.open(group.path) as file:
        rows = pq.ParquetFile(file).iter_batches(PART_ROWS, row_groups=[group.number])
        for number, batch in enumerate(rows):
            where = f"{group.path}, row group {group.number}, rows from {number * PART_ROWS}"
            inputs = model_inputs(batch, group.inputs, where)
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, inputs.schema) as writer:
                writer.write_batch(inputs)
            yield (f"{group.first + number:08d}", batch), [sink.getvalue().to_pybytes()]


def model_inputs(batch: pa.RecordBatch, inputs: dict[str, str], where: str) -> pa.RecordBatch:
    """Pick the model's inputs from the columns, in its dtypes, missing values as NaN or "". Raises BadData."""
    arrays = []
    for name, dtype in inputs.items():
        column = batch.column(batch.schema.get_field_index(name))
        try:
            column = values.cast(column, ARROW[dtype])
        except values.Unfit as error:
            raise BadData(f"{where}, row {error.row + 1:,} of these: {name} is {error}.") from error
        if dtype == "DT_INT64" and column.null_count:
            raise BadData(f"{where}: {column.null_count} values of {name} are missing; expected an integer in each row.")
        arrays.append(column.fill_null("" if dtype == "DT_STRING" else 0 if dtype == "DT_INT64" else float("nan")))
    return pa.RecordBatch.from_arrays(arrays, list(inputs))


class ColumnarModel:
    """A SavedModel's `raw` signature, in place of the session that RunInference would load."""

    def __init__(self, folder: str, _tags: Sequence[str]):
        self._loaded = tf.saved_model.load(folder)
        self._score = self._loaded.signatures[RAW]

    def run(self, outputs: dict[str, str], feed_dict: dict[str, Sequence[bytes]]) -> dict[str, np.ndarray]:
        """Return the scores of each part that `parts` made, by the name of the output."""
        (serialized,) = feed_dict.values()
        scores = np.empty(len(serialized), object)
        for number, part in enumerate(serialized):
            with pa.ipc.open_stream(part) as reader:
                batch = reader.read_next_batch()
            inputs = {name: tf.constant(batch.column(name).to_numpy(zero_copy_only=False)) for name in batch.schema.names}
            scores[number] = answers.only(self._score(**inputs)).numpy()
        return dict.fromkeys(outputs, scores)


def write_part(scored: tuple[RowsOfPart, list[prediction_log_pb2.PredictionLog]], folder: str, added: Added) -> None:
    """Write a part: its rows with their scores."""
    (name, batch), (log,) = scored
    scores = tf.make_ndarray(answers.only(log.predict_log.response.outputs)).reshape(len(batch), -1)
    table = pa.Table.from_batches([batch])
    for column, values_of_it in answers.columns(answers.with_ends(scores, added.interval), added.names).items():
        table = table.append_column(column, pa.array(values_of_it, pa.float32()))
    with FileSystems.create(FileSystems.join(folder, f"{name}.parquet")) as file:
        pq.write_table(table, file)


def score(groups: list[RowGroup], model: Path, folder: str, added: Added, arguments: list[str]) -> None:
    """Run the Beam pipeline: each part becomes a file `<number>.parquet` in `folder`. Workers reach it and the `model`."""
    saved = model_spec_pb2.SavedModelSpec(model_path=str(model), signature_name=["serving_default"])
    spec = model_spec_pb2.InferenceSpecType(saved_model_spec=saved)
    with beam.Pipeline(argv=arguments) as pipeline:
        _ = (
            pipeline
            | "RowGroups" >> beam.Create(groups)
            | "ToAllWorkers" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(parts)
            | "Score" >> run_inference.RunInferenceOnKeyedBatches(spec, ColumnarModel)
            | "Write" >> beam.Map(write_part, folder, added)
        )
