"""MobileEvaluator's work: parity with the server's model, and TFMA on the answers of the file that ships."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils
from tfx_bsl.coders import example_coder

import tensorflow_model_analysis as tfma  # isort: skip  # after tfx
from tensorflow_model_analysis.proto import config_pb2  # isort: skip

from components.mobile_evaluator import parity
from components.shared import answers, raw_rows, tfma_results
from components.shared.artifacts import read_schema
from components.shared.errors import NotConvertible
from components.shared.phone import awkward_rows, card, file, parity_report
from components.shared.phone.card import MODEL_FILE, VARIANTS_FOLDER
from components.shared.phone.runtime import TFLiteModel, as_input
from components.shared.target import Target
from components.shared.tasks import Task

MOBILE, SERVER = "mobile_answer", "server_answer"  # columns that TFMA takes as predictions
BATCH_ROWS = 1000
UNTIMED, TIMED = 20, 300  # calls


class Executor(base_beam_executor.BaseBeamExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Judge the file. See `MobileEvaluator`. Raises NotConvertible."""
        columns = json.loads(exec_properties["columns"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        mobile = Path(artifact_utils.get_single_uri(input_dict["mobile_model"]))
        server = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        schema = read_schema(input_dict)
        evaluation = artifact_utils.get_single_uri(output_dict["evaluation"])
        shipped = Path(path_utils.serving_model_path(str(mobile))) / MODEL_FILE
        paths = raw_rows.files(examples.uri, "eval")
        rows = raw_rows.head(paths, columns, exec_properties["rows"])
        limits = json.loads(exec_properties["max_difference"])
        target = Target.model_validate_json(exec_properties["target"])
        compared = self._parity(mobile, server, rows, limits, target.task)
        config = json_format.Parse(exec_properties["eval_config"], config_pb2.EvalConfig())
        self._analyse(paths, ScoreFile(str(shipped), server, schema, columns, target), config, evaluation)
        parity_report.write(evaluation, compared)
        measured = tfma_results.metrics(evaluation)
        reasons = [
            f"{each.variant} differs from the server's model by up to {each.largest:.2g} ({each.worst}); "
            f"expected at most {each.limit:g}"
            for each in compared
            if not each.holds
        ]
        changes = json.loads(exec_properties["max_changes"])
        in_unit = [each.key for each in target.task.metrics if each.in_unit]
        candidate, baseline = measured[tfma_results.CANDIDATE], measured[tfma_results.BASELINE]
        reasons += parity.worse_slices(candidate, baseline, changes, exec_properties["min_slice_rows"], in_unit)
        self._bless(input_dict, output_dict, reasons)

    def _parity(self, mobile: Path, server: str, real, limits: dict[str, float], task: Task) -> list[parity_report.Parity]:
        """Compare every variant with the server, on real and on awkward rows."""
        shipped = Path(path_utils.serving_model_path(str(mobile))) / MODEL_FILE
        awkward = awkward_rows.make(card.read(shipped).features, real)
        rows = {name: np.concatenate([column, awkward.columns[name]]) for name, column in real.items()}
        names = [f"evaluation row {index}" for index in range(len(next(iter(real.values()))))] + awkward.names
        raw = tf.saved_model.load(server).signatures["raw"]
        expected = answers.only(raw(**{name: tf.constant(column) for name, column in rows.items()})).numpy()
        unit = answers.unit(task, expected[: len(names) - len(awkward.names)])
        found = []
        for path in sorted((mobile / VARIANTS_FOLDER).glob("*.tflite")):
            content = path.read_bytes()
            model = TFLiteModel(content)
            if set(model.dtypes) != set(rows):
                raise NotConvertible(f"{path} takes {sorted(model.dtypes)}; expected {sorted(rows)}.")
            difference = parity.differences(content, rows, expected, unit)
            found.append(
                parity_report.Parity(
                    variant=path.stem,
                    kilobytes=len(content) / 1000,
                    rows=len(expected),
                    largest=float(np.max([*difference.values()])),
                    mean=float(np.mean([*difference.values()])),
                    worst=parity.worst(difference, names),
                    limit=limits.get(path.stem),
                    row_us=row_microseconds(model, real),
                    operators=file.operators(content),
                )
            )
        return found

    def _analyse(self, paths: list[str], score: "ScoreFile", config: config_pb2.EvalConfig, folder: str) -> None:
        """Run TFMA over the scores of all evaluation rows; the results are read like the Evaluator's."""
        config = tfma.utils.update_eval_config_with_defaults(config, has_baseline=True)
        locations = {tfma_results.CANDIDATE: score.shipped, tfma_results.BASELINE: score.server}
        analysis = self.analysis(config, folder, locations)
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | "Files" >> beam.Create(paths, reshuffle=True) | "Score" >> beam.ParDo(score) | "Analyse" >> analysis

    def analysis(self, config: config_pb2.EvalConfig, folder: str, locations: dict[str, str]) -> beam.PTransform:
        """Make the step from scored rows to a ModelEvaluation: TFMA's. A subclass may reach the same result in another way.

        Args:
            config: with the defaults of TFMA filled in.
            folder: of the ModelEvaluation artifact.
            locations: model name to where it is; for display, and TFMA omits it where rows came with their scores.

        Returns:
            A transform of RecordBatches with columns `MOBILE` and `SERVER`.
        """
        return tfma.ExtractEvaluateAndWriteResults(eval_config=config, output_path=folder)

    def _bless(self, input_dict, output_dict, reasons: list[str]) -> None:
        if not model_utils.is_model_blessed(artifact_utils.get_single_instance(input_dict["model_blessing"])):
            reasons = ["the server's model was not blessed", *reasons]
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        blessing.set_int_custom_property("blessed", int(not reasons))
        blessing.set_string_custom_property("reason", "; ".join(reasons))


def row_microseconds(model: TFLiteModel, rows: dict[str, np.ndarray]) -> float:
    """Return the median time of a call with one row, as an app makes it; without the first calls, which include setting up."""
    inputs = {name: as_input(rows[name], dtype) for name, dtype in model.dtypes.items()}
    seconds = []
    for index in range(UNTIMED + TIMED):
        row = {name: column[[index % len(column)]] for name, column in inputs.items()}
        start = time.perf_counter()
        model.score_row(row)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[UNTIMED:]) * 1e6)


@dataclass
class ScoreFile(beam.DoFn):
    """Reads a file of tf.Examples, and adds the scores of the file that ships and of the server's model."""

    shipped: str
    server: str
    schema: schema_pb2.Schema
    columns: dict[str, str]
    target: Target

    def __post_init__(self) -> None:
        super().__init__()

    def setup(self) -> None:
        self._mobile = TFLiteModel(Path(self.shipped).read_bytes())
        self._server = tf.saved_model.load(self.server)
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(self.schema.SerializeToString())

    def process(self, path: str) -> Iterator[pa.RecordBatch]:
        for examples in tf.data.TFRecordDataset(path, "GZIP").batch(BATCH_ROWS).as_numpy_iterator():
            batch = self._decoder.DecodeBatch(examples.tolist())
            scores = {
                MOBILE: self._mobile(raw_rows.of_batch(batch, self.columns)),
                SERVER: answers.only(self._server.signatures["serving_default"](tf.constant(examples))).numpy(),
            }
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            if self.target.classes:  # TFMA compares numbers
                [labels] = raw_rows.of_batch(batch, {self.target.label: "string"}).values()
                columns[self.target.label] = raw_rows.as_lists(self.target.numbers(labels))
            columns |= {name: raw_rows.as_lists(found.astype("float32")) for name, found in scores.items()}
            yield pa.RecordBatch.from_arrays([*columns.values()], [*columns])
