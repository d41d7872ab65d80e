"""Transform's executor: tf.Transform analyses, `TransformShards` transforms, in one Beam job with an element for each file."""

import posixpath
from itertools import chain
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import metadata_io
from tfx.components.transform.executor_utils import MaybeBindCustomConfig
from tfx.components.util import tfxio_utils, udf_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx_bsl.tfxio import tensor_adapter

from components.shared import record_batches, tf_examples
from components.shared.artifacts import read_schema
from components.shared.memory import seldom_collected

ANALYSED = "train"
PREFIX = "transformed_"  # of a file's name
TEMPORARY = ".temporary"
# Fixed: same rows, same batches, same rounding. Beam chooses sizes by the clock.
BATCH_ROWS = 4096


class TransformShards(beam.DoFn):
    """Turns files of raw examples into files of prepared ones. A worker that repeats one replaces it by the same."""

    def __init__(self, schema: bytes, adapter: tensor_adapter.TensorAdapterConfig):
        """Create the DoFn for raw examples of a serialized schema, whose columns the adapter makes tensors of."""
        super().__init__()
        self._schema, self._adapter = schema, adapter
        self._model: Any = None

    def process(self, shard: tuple[str, str], graph: str) -> None:
        """Read the first file of a shard, and write the second with the SavedModel in the folder `graph`."""
        source, target = shard
        if self._model is None:  # `graph` is a side input, which `setup` does not get
            self._model = tf.saved_model.load(graph)
        raw = record_batches.serialized(source, BATCH_ROWS)
        tf_examples.write(target, chain.from_iterable(record_batches.in_order(self._prepare, raw)))

    def _prepare(self, raw: np.ndarray) -> list[bytes]:
        transform = self._model.transform_fn
        batch = record_batches.decode(raw, self._schema)
        tensors = transform(tensor_adapter.TensorAdapter(self._adapter).ToBatchTensors(batch, produce_eager_tensors=True))
        arrays = {name: pa.array(tensor.numpy()) for name, tensor in tensors.items()}
        return tf_examples.encode(pa.RecordBatch.from_pydict(arrays)).to_pylist()


def plan(examples: Artifact, transformed: Artifact) -> list[tuple[str, str]]:
    """List every file of every split, each with the one that it becomes."""
    return [
        (source, f"{artifact_utils.get_split_uri([transformed], split)}/{PREFIX}{posixpath.basename(source)}")
        for split in artifact_utils.decode_split_names(examples.split_names)
        for source in record_batches.files(examples, split)
    ]


class Executor(base_beam_executor.BaseBeamExecutor):
    """Thin: plans the shards, wires the job."""

    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Analyse and transform. See `Transform`. Raises BadData if `examples` are not tf.Examples."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        schema = read_schema(input_dict)
        transformed = artifact_utils.get_single_instance(output_dict["transformed_examples"])
        transformed.split_names = examples.split_names
        shards = plan(examples, transformed)
        for folder in {posixpath.dirname(target) for _, target in shards}:
            tf.io.gfile.makedirs(folder)
        analysed = record_batches.files(examples, ANALYSED)
        tfxio = tfxio_utils.make_tfxio(analysed, ["Transform"], example_gen_pb2.FORMAT_TF_EXAMPLE, schema=schema)
        adapter, serialized_schema = tfxio.TensorAdapterConfig(), schema.SerializeToString()
        preprocessing_fn = MaybeBindCustomConfig(exec_properties, udf_utils.get_fn(exec_properties, "preprocessing_fn"))
        output = artifact_utils.get_single_uri(output_dict["transform_graph"])
        temporary = f"{output}/{TEMPORARY}"
        with seldom_collected(), self._make_beam_pipeline() as pipeline, tft_beam.Context(temp_dir=temporary):
            batches = pipeline | "Read" >> record_batches.Read(analysed, BATCH_ROWS, serialized_schema)
            graph, metadata = (batches, adapter) | "Analyse" >> tft_beam.AnalyzeDataset(preprocessing_fn)
            _ = (graph, metadata) | "WriteGraph" >> tft_beam.WriteTransformFn(output)
            _ = (
                pipeline
                | "Shards" >> beam.Create(shards, reshuffle=True)
                | "Transform" >> beam.ParDo(TransformShards(serialized_schema, adapter), beam.pvalue.AsSingleton(graph))
            )
        metadata_io.write_metadata(tft.DatasetMetadata(schema), f"{output}/{tft.TFTransformOutput.RAW_METADATA_DIR}")
        tf.io.gfile.rmtree(temporary)
