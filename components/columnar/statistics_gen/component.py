"""TFX's StatisticsGen, several times faster."""

from tfx.components.statistics_gen import component
from tfx.dsl.components.base import executor_spec
from tfx.types.channel import BaseChannel

from tensorflow_data_validation import StatsOptions  # isort: skip  # after tfx

from components.columnar.statistics_gen.executor import Executor
from components.shared.errors import BadConfig

REFUSED = (
    "sample_rate",
    "feature_allowlist",
    "label_feature",
    "slicing_config",
    "experimental_slice_functions",
    "experimental_slice_sqls",
)


class StatisticsGen(component.StatisticsGen):
    """Computes TensorFlow Data Validation's statistics of every split, the same as the component that it extends.

    Limitations: `examples` must be tf.Examples, of which every split, row and feature is counted, and nothing is sliced. The
    most frequent values and the number of distinct ones come from sketches: exact up to 1,024 values of a feature.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: BaseChannel, stats_options: StatsOptions | None = None) -> None:
        """Create the component.

        Args:
            examples: an Examples artifact.
            stats_options: what is computed. Default: what TensorFlow Data Validation computes.

        Raises:
            BadConfig: an option is one of `REFUSED`.
        """
        if found := [name for name in REFUSED if getattr(stats_options, name, None)]:
            raise BadConfig(
                f"StatsOptions has {found[0]}, which this StatisticsGen does not know; expected none of {', '.join(REFUSED)}. "
                "Leave it out, or use tfx.components.StatisticsGen in its place."
            )
        super().__init__(examples, stats_options=stats_options)
