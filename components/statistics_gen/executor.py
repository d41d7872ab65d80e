"""StatisticsGen's executor."""

from tfx.components.statistics_gen import executor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

import tensorflow_data_validation as tfdv  # isort: skip  # behind tfx

from components import record_batches
from components.garbage import seldom_collected

BATCH_ROWS = 4096  # larger ones are no faster, and take more memory


class Executor(base_beam_executor.BaseBeamExecutor):
    """Thin: wires the job. TensorFlow Data Validation does the rest."""

    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """See `StatisticsGen`. Raises BadData if `examples` are no tf.Examples."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        statistics.split_names = examples.split_names
        given = exec_properties.get("stats_options_json")
        options = tfdv.StatsOptions.from_json(given) if given else tfdv.StatsOptions()
        with seldom_collected(), self._make_beam_pipeline() as pipeline:
            for split in artifact_utils.decode_split_names(examples.split_names):
                path = f"{artifact_utils.get_split_uri([statistics], split)}/{executor.DEFAULT_FILE_NAME}"
                _ = (
                    pipeline
                    | f"Read[{split}]" >> record_batches.Read(record_batches.files(examples, split), BATCH_ROWS)
                    | f"Generate[{split}]" >> tfdv.GenerateStatistics(options)
                    | f"Write[{split}]" >> tfdv.WriteStatisticsToBinaryFile(path)
                )
