"""Run the nodes of one span on this machine, in a watched process; for `pipeline.local_runner` and `pipeline.tune`."""

import contextlib
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from components.model_store.signature import read_keys
from components.shared import trace
from components.shared.errors import CrosswindError, LimitExceeded, NodeFailed, ProcessDied
from components.shared.nodes import NodeId
from pipeline.beam import settings as beam
from pipeline.config import Config
from pipeline.local.progress import THE_START, Began, Ended, Event, Tell
from pipeline.local.supervisor import supervised
from pipeline.shared import masking
from pipeline.shared.checkout import git_commit

Result = TypeVar("Result")
AFTER = "What follows the last node"
DECIDED = "Every node has ended before: what was published is published."
LITTLE_ROOM = 20e6  # bytes
CLOSING_SECONDS = 600  # for the report of a run that was ended; it takes 20


def execute(config: Config, span: str, console: Console, name: str, *, after: Callable[[], Result], trials: int = 0) -> Result:
    """Run the nodes, or those up to a Tuner, and then `after` in the same process; return what that returns.

    Args:
        config, span: what to run.
        console: gets a line a node.
        name: of the run, in ML Metadata and among the reports.
        after: called when all nodes have succeeded, in the process that ran them. It must not print.
        trials: trainings that a Tuner tries; 0 (default): no Tuner.

    Raises:
        LimitExceeded: a node took more than `run.max_seconds` or `run.max_memory_gb`. The run has its report all the same.
        CrosswindError: a setting makes no sense here, or a node said what is wrong; NodeFailed if it did not say.
    """
    beam.check_here(config.beam)
    read_keys(config.publish.public_key, config.publish.signing_key)  # a missing key is better told now than after training
    up_to = NodeId.TUNER if trials else None

    def dag():
        from pipeline.dag import create_pipeline  # noqa: PLC0415 (here and below: the process that watches needs none of it)

        return create_pipeline(config, span, git_commit(), trials)

    def work(tell: Tell) -> Result:
        with _explained(config, tell) as follow:
            from pipeline.local import local_dag  # noqa: PLC0415
            from pipeline.model import distribution  # noqa: PLC0415

            # Devices are fixed when TensorFlow starts, and a missing one is better told before the first node.
            distribution.create(config.train.strategy, config.train.devices, config.train.tpu)
            local_dag.run(dag(), name, up_to, masking.masker(config), follow)
        tell(Began(AFTER))
        return concluded()

    def concluded() -> Result:
        try:
            return after()
        except Exception as error:
            sys.stderr.write(traceback.format_exc())
            told = f"{AFTER} failed: {type(error).__name__}: {error}"
            raise NodeFailed(f"{told}\n{DECIDED} The traceback is in the log.") from error

    def close(tell: Tell, failure: str) -> None:
        with _explained(config, tell) as follow:
            from pipeline.local import local_dag  # noqa: PLC0415

            local_dag.close(dag(), name, failure, up_to=up_to, mask=masking.masker(config), tell=follow)

    def without_report(tell: Tell, failure: str) -> Result:
        with _explained(config, tell):
            from pipeline.local import local_dag  # noqa: PLC0415

            local_dag.note_failure(dag().metadata_connection_config, name, failure)
        for earlier in trace.read(trace.open_store(config.root / "metadata.db"), name).failures:
            raise NodeFailed(f"{earlier.node} failed: {earlier.message}\nNor has the run a report: {failure}")
        return concluded()

    try:
        return supervised(work, config.run, console)
    except (LimitExceeded, ProcessDied) as error:
        if error.node:  # else there is nothing to tell of
            failure = f"{type(error).__name__}: {error}"
            limits = config.run.model_copy(update={"max_seconds": CLOSING_SECONDS})
            if error.node == NodeId.RUN_REPORT:  # it comes last, and only tells what was decided
                return supervised(lambda tell: without_report(tell, failure), limits, console)
            with contextlib.suppress(CrosswindError):  # what ended the run matters more than what ended its report
                supervised(lambda tell: close(tell, failure), limits, console)
        raise


@contextlib.contextmanager
def _explained(config: Config, tell: Tell) -> Iterator[Tell]:
    """Yield a listener for the nodes in the block, and turn what ends them into one message. Raises CrosswindError."""
    from absl import logging  # noqa: PLC0415

    mask, node, failed = masking.masker(config), THE_START, ""

    def follow(event: Event) -> None:
        """Pass an event on, and remember the node that failed first: closing nodes run after it."""
        nonlocal node, failed
        if isinstance(event, Began):
            node = event.node
        elif event == Ended("failed"):
            failed = failed or node
        tell(event)

    try:
        masking.keep_out_of_logs(config)
        logging.set_verbosity(logging.INFO)
        yield follow
    except CrosswindError:
        raise
    except (Exception, SystemExit) as error:  # Beam's parser exits for an option that it cannot read
        sys.stderr.write(mask(traceback.format_exc()))
        told = mask(f"{type(error).__name__}: {error}")
        message = f"{failed or THE_START} failed: {told}{_room(config.root)}\nThe traceback is in the log."
        raise NodeFailed(message) from error


def _room(root: Path) -> str:
    """Return a hint where the disk is nearly full: SQLite may only say that no transaction is active."""
    if (free := shutil.disk_usage(root).free) >= LITTLE_ROOM:
        return ""
    return f"\nOnly {free / 1e6:.1f} MB are left on the disk of {root}: free some space, and run again."
