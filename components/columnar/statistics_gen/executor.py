"""StatisticsGen's executor."""

import apache_beam as beam
import tensorflow as tf
from tfx.components.statistics_gen import executor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

import tensorflow_data_validation as tfdv  # isort: skip  # after tfx

from components.columnar.statistics_gen.summary import Accumulate, Summarise
from components.shared import record_batches
from components.shared.memory import seldom_collected


class Executor(base_beam_executor.BaseBeamExecutor):
    """Thin: plans the files, wires the job."""

    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Compute the statistics. See `StatisticsGen`. Raises BadData if `examples` are not tf.Examples."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        statistics.split_names = examples.split_names
        given = exec_properties.get("stats_options_json")
        options = tfdv.StatsOptions.from_json(given) if given else tfdv.StatsOptions()
        sources = []
        for split in artifact_utils.decode_split_names(examples.split_names):
            folder = artifact_utils.get_split_uri([statistics], split)
            tf.io.gfile.makedirs(folder)
            sources += [(f"{folder}/{executor.DEFAULT_FILE_NAME}", path) for path in record_batches.files(examples, split)]
        with seldom_collected(), self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Sources" >> beam.Create(sources, reshuffle=True)
                | "Accumulate" >> beam.ParDo(Accumulate(options))
                | "BySplit" >> beam.GroupByKey()
                | "Summarise" >> beam.ParDo(Summarise(options))
            )
