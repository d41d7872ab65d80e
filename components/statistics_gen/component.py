"""TFX's StatisticsGen with a faster source."""

from tfx.components.statistics_gen import component
from tfx.dsl.components.base import executor_spec
from tfx.types.channel import BaseChannel

from tensorflow_data_validation import StatsOptions  # isort: skip  # behind tfx

from components.statistics_gen.executor import Executor


class StatisticsGen(component.StatisticsGen):
    """TensorFlow Data Validation's statistics of every split, the same as those of the component that it extends.

    Limitations: `examples` must be tf.Examples, and no split is left out or sampled apart.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: BaseChannel, stats_options: StatsOptions | None = None) -> None:
        """The component.

        Args:
            examples: an Examples artifact.
            stats_options: what is computed.
        """
        super().__init__(examples, stats_options=stats_options)
