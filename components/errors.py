"""The errors that a user can act on. Everything else is a bug and keeps its traceback."""


class CrosswindError(Exception):
    """Root of every error that states what was found, where, what was expected, and what to do."""


class BadConfig(ValueError, CrosswindError):
    """A setting has an unknown name, a wrong type or an impossible value."""


class SpanNotFound(LookupError, CrosswindError):
    """A span that was asked for, or that its window needs, is not there."""


class BadData(ValueError, CrosswindError):
    """An input file cannot be read as the declared columns."""


class DataRejected(ValueError, CrosswindError):
    """The data can be read, but a gate refuses to train on them."""


class CorruptModel(ValueError, CrosswindError):
    """A published version does not match its manifest."""


class VersionNotFound(LookupError, CrosswindError):
    """A published version that was asked for is not there."""


class PublishFailed(OSError, CrosswindError):
    """A version could not be written. Nothing was published."""


class ProductionPinned(RuntimeError, CrosswindError):
    """A models.config says which version is in production, so that a newer one changes nothing for users."""


class PromotionFailed(RuntimeError, CrosswindError):
    """A label was not moved: users get what they got before."""


class RootUnusable(OSError, CrosswindError):
    """The folder that a run writes to cannot be used: read-only, or held by another run."""


class TpuNotFound(LookupError, CrosswindError):
    """A TPU was asked for, and none answers."""


class NodeFailed(RuntimeError, CrosswindError):
    """A node failed for a reason that no message of ours explains. The traceback is in the log."""


class ScheduleFailed(RuntimeError, CrosswindError):
    """The crontab could not be read or changed."""


class NotConvertible(ValueError, CrosswindError):
    """The model cannot become a TensorFlow Lite file that a phone runs, or the file is not what it should be."""


class NotRunnable(ValueError, CrosswindError):
    """The DAG can be compiled, but Kubeflow Pipelines' open-source backend would not run it."""


class KubeflowFailed(RuntimeError, CrosswindError):
    """Kubeflow Pipelines cannot be reached, or said no."""


def exit_code(error: Exception) -> int:
    """Of a process that runs nodes: 2 for a wrong setting, 3 when the data were refused, else 1."""
    return 2 if isinstance(error, BadConfig) else 3 if isinstance(error, BadData | DataRejected) else 1
