"""One line a node while the pipeline runs."""

import logging
import time
from collections.abc import Callable

from rich.console import Console


class NodeProgress(logging.Handler):
    """Follows LocalDagRunner by what it logs: it offers no callback.

    Attributes:
        node: the node that runs.
        failed_node: the one that an exception ended; closing nodes may run behind it.
        seconds: of each finished node.
    """

    def __init__(self, console: Console, started: Callable[[str], None] = lambda _: None):
        """Prints to the console, and calls `started` with the name of each node."""
        super().__init__(logging.INFO)
        self.node = self.failed_node = ""
        self.seconds: dict[str, float] = {}
        self._state = ""
        self._start = 0.0
        self._console, self._started = console, started
        self._status = console.status("Loading TensorFlow")
        self._status.start()

    def emit(self, record: logging.LogRecord) -> None:
        match record.msg, record.args:
            case "Component %s is running.", (str(node),):
                self.failed()
                self.node, self._state, self._start = node, "[green]done   ", time.monotonic()
                self._status.update(node)
                self._started(node)
            case "A cached execution %d is used.", _:
                self._state = "[cyan]cached "
            case "Skipping execution for %s", _:
                self._state = "[yellow]skipped"
            case "Component %s is finished.", (str(node),):
                self._print(self._state)
                self.node = ""

    def failed(self) -> None:
        """Marks the node that has started and not finished."""
        if self.node:
            self._print("[red]failed ")
            self.failed_node, self.node = self.failed_node or self.node, ""

    def close(self) -> None:
        self.failed()
        self._status.stop()
        super().close()

    def _print(self, state: str) -> None:
        self.seconds[self.node] = time.monotonic() - self._start
        show(self._console, state, self.node, self.seconds[self.node])


def show(console: Console, state: str, node: str, seconds: float) -> None:
    """The line of a node that has ended; the state with rich's markup, and eight characters long."""
    console.print(f"  {state}[/] {node:<18} {seconds:6.1f} s", highlight=False)
