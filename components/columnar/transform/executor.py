"""Transform's executor: TensorFlow Transform analyses, `shards` transforms, in one Beam job with an element for each file."""

import posixpath

import apache_beam as beam
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
from tfx.utils import io_utils

from components.columnar.transform.shards import BATCH_ROWS, Shard, TransformShards
from components.shared import record_batches
from components.shared.memory import seldom_collected

ANALYSED = "train"
PREFIX = "transformed_"  # of a file's name
TEMPORARY = ".temporary"


def plan(examples: Artifact, transformed: Artifact) -> list[Shard]:
    """List every file of every split, and what it becomes."""
    return [
        Shard(source, f"{artifact_utils.get_split_uri([transformed], split)}/{PREFIX}{posixpath.basename(source)}")
        for split in artifact_utils.decode_split_names(examples.split_names)
        for source in record_batches.files(examples, split)
    ]


class Executor(base_beam_executor.BaseBeamExecutor):
    """Thin: plans the shards, wires the job."""

    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Analyse and transform. See `Transform`. Raises BadData if `examples` are not tf.Examples."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        folder = artifact_utils.get_single_uri(input_dict["schema"])
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(folder))
        transformed = artifact_utils.get_single_instance(output_dict["transformed_examples"])
        transformed.split_names = examples.split_names
        shards = plan(examples, transformed)
        for folder in {posixpath.dirname(shard.target) for shard in shards}:
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
