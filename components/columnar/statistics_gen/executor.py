"""StatisticsGen's executor: TensorFlow Data Validation's generators on each file, then on all results for one summary.

`tfdv.GenerateStatistics` runs the same generators. The Beam stages that it adds, for slices, samples and counters of its own,
take as long as three months of rows.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx.components.statistics_gen import executor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

import tensorflow_data_validation as tfdv  # isort: skip  # after tfx
from tensorflow_data_validation.statistics.stats_impl import extract_statistics_output, get_generators  # isort: skip

from components.shared import record_batches
from components.shared.memory import seldom_collected

BATCH_ROWS = 4096  # larger ones are no faster, and take more memory


class _WithGenerators(beam.DoFn):
    def __init__(self, options: tfdv.StatsOptions):
        super().__init__()
        self._options = options

    def setup(self) -> None:
        self._generators = get_generators(self._options, in_memory=True)
        for generator in self._generators:
            generator.setup()

    def _each(self, method: str, *arguments: Iterable[Any]) -> list[Any]:
        """Call a method of every generator, each with its own of `arguments`."""
        calls = zip(self._generators, *arguments, strict=True)
        return [getattr(generator, method)(*given) for generator, *given in calls]


class Accumulate(_WithGenerators):
    """Turns (key, file of tf.Examples) into (key, the generators' accumulators of its rows)."""

    def process(self, source: tuple[str, str]) -> Iterator[tuple[str, list[Any]]]:
        key, path = source
        parts = self._each("create_accumulator")
        for batch in record_batches.read(path, BATCH_ROWS):
            parts = self._each("add_input", parts, [batch] * len(parts))
        yield key, self._each("compact", parts)


class Summarise(_WithGenerators):
    """Turns (file to write, the accumulators of all its parts) into a serialized DatasetFeatureStatisticsList in that file."""

    def process(self, grouped: tuple[str, Iterable[list[Any]]]) -> None:
        target, parts = grouped
        whole = self._each("merge_accumulators", zip(*parts, strict=True))
        summary = extract_statistics_output(whole, self._generators)
        with tf.io.gfile.GFile(target, "wb") as file:
            file.write(summary.SerializeToString())


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
