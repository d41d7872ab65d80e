"""The errors that a user can act on, words in their messages, and the exit codes of all commands.

Everything else is a bug and keeps its traceback.
"""

from collections.abc import Collection
from enum import IntEnum

MAX_SHOWN = 300  # characters of a file's own words in a message
MAX_NAMES = 30  # of columns in a message


class CrosswindError(Exception):
    """Root of every error that states what was found, where, what was expected, and what to do."""

    @property
    def title(self) -> str:
        """The text that a command prints before the message."""
        return type(self).__name__


class BadConfig(ValueError, CrosswindError):
    """A setting has an unknown name, a wrong type or an impossible value."""


class SpanNotFound(LookupError, CrosswindError):
    """A span that was asked for, or that its window needs, is not there."""


class BadData(ValueError, CrosswindError):
    """An input file cannot be read as the declared columns."""


class OtherColumns(BadData):
    """Rows have other columns than a model takes, whose `inputs` these are."""

    def __init__(self, message: str, inputs: Collection[str] = ()):
        super().__init__(message)
        self.inputs = inputs

    @property
    def title(self) -> str:
        """The text that a command prints before the message: what it is of, as for all faults of rows."""
        return BadData.__name__


class DataRejected(ValueError, CrosswindError):
    """The data can be read, but a gate refuses to train on them."""


class CorruptModel(ValueError, CrosswindError):
    """A published version does not match its manifest."""


class SignatureInvalid(CorruptModel):
    """A published version is not signed by a key that is trusted, or was signed as another one."""


class VersionNotFound(LookupError, CrosswindError):
    """A published version that was asked for does not exist."""


class PublishFailed(OSError, CrosswindError):
    """A version could not be written. Nothing was published."""


class ProductionPinned(RuntimeError, CrosswindError):
    """A models.config says which version is in production, so that a newer one changes nothing for users."""


class PromotionFailed(RuntimeError, CrosswindError):
    """A label was not moved: users get what they got before."""


class RootUnusable(OSError, CrosswindError):
    """The folder that a run writes to cannot be used: read-only, or held by another run."""


class RootBusy(RootUnusable):
    """Another run holds the folder. It is free again when that one has ended."""


class Ended(CrosswindError):
    """Nodes were ended in the middle of their work. `node` is the one that ran; empty before the first one."""

    def __init__(self, message: str, node: str = ""):
        super().__init__(message)
        self.node = node


class LimitExceeded(Ended, RuntimeError):
    """A run took more time or memory than the configuration allows, and was ended."""


class TpuNotFound(LookupError, CrosswindError):
    """A TPU was asked for, and none answers."""


class NodeFailed(RuntimeError, CrosswindError):
    """A node failed for a reason that no message of ours explains. The traceback is in the log."""


class Undecided(RuntimeError, CrosswindError):
    """A gate could not judge a model, for a reason that is not the model's. Nothing is said of it, and the span stays due."""


class ScheduleFailed(RuntimeError, CrosswindError):
    """The crontab could not be read or changed."""


class NotConvertible(ValueError, CrosswindError):
    """The model cannot become a TensorFlow Lite file that a phone runs, or the file is not what it should be."""


class NotRunnable(ValueError, CrosswindError):
    """The DAG can be compiled, but Kubeflow Pipelines' open-source backend would not run it."""


class KubeflowFailed(RuntimeError, CrosswindError):
    """Kubeflow Pipelines cannot be reached, or said no."""


class KubeflowBusy(KubeflowFailed):
    """A run that is under way on Kubeflow Pipelines stands against what was asked for."""


class ProcessDied(Ended, NodeFailed):
    """The process that ran the nodes ended without a word: a crash in C++, or the kernel for lack of memory."""


class Exit(IntEnum):
    """The exit code of a command. 0 and 10 to 12 mean success; the others need somebody's attention."""

    meaning: str  # in a few words, as in the README

    def __new__(cls, code: int, meaning: str) -> "Exit":
        found = int.__new__(cls, code)
        found._value_ = code
        found.meaning = meaning
        return found

    DONE = 0, "done, or nothing to do; a run came to a decision, published or not"
    FAILED = 1, "it failed, and one message says why"
    WRONG_SETTING = 2, "a setting or an argument is wrong"
    DATA_REJECTED = 3, "the data were refused"
    NEEDS_A_PERSON = 4, "a span was tried as often as `schedule.attempts` allows"
    BUSY = 5, "another run or tick holds the folder"
    LIMIT_EXCEEDED = 6, "a limit of time or memory was exceeded, and the run was ended"
    PUBLISHED = 10, "a tick published a model"
    NOT_BLESSED = 11, "a tick trained a model that was not published"
    STABLE = 12, "a tick found no reason to train"
    INTERRUPTED = 130, "Ctrl-C, or a signal that ended a tick"


def exit_code(error: Exception) -> Exit:
    """Return the exit code of a process that an error ends."""
    codes = (
        ((BadConfig,), Exit.WRONG_SETTING),
        ((BadData, DataRejected), Exit.DATA_REJECTED),
        ((RootBusy, KubeflowBusy), Exit.BUSY),
        ((LimitExceeded,), Exit.LIMIT_EXCEEDED),
    )
    return next((code for kinds, code in codes if isinstance(error, kinds)), Exit.FAILED)


def shown(text: str, most: int = MAX_SHOWN) -> str:
    """Prepare `text` for a terminal: what cannot be printed is escaped, and what follows `most` characters is cut."""
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:most])
    return printable + ("…" if len(text) > most else "")


def listed(names: Collection[str]) -> str:
    """List column names for a message, only the first if they are many."""
    first = ", ".join(shown(name, 60) or '"" (without a name)' for name in list(names)[:MAX_NAMES])
    return first + (f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else "")
