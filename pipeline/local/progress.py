"""Show progress while nodes run: a line for each that has ended, and a live one for the one that runs."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from components.shared.steps import Step

HowEnded = Literal["done", "cached", "skipped", "failed", "stopped"]
COLOURS: dict[HowEnded, str] = {"done": "green", "cached": "cyan", "skipped": "yellow", "failed": "red", "stopped": "yellow"}
THE_START = "The start"  # before the first node
EACH = 30.0  # seconds between two lines where none can be live
MEASURED = 2.0  # seconds between two reports that are enough to tell how long the rest takes


@dataclass(frozen=True)
class Began:
    """A node begins: the `number`-th `of` so many. Both are 0 for something that is no node."""

    node: str
    number: int = 0
    of: int = 0


@dataclass(frozen=True)
class Ended:
    """The node that began last ends."""

    state: HowEnded


Event = Began | Step | Ended
Tell = Callable[[Event], None]


class Pace:
    """Estimates how long the rest of a node's steps takes, from the time that the finished ones took."""

    def __init__(self) -> None:
        self._first = self._last = (0.0, Step("", 0.0, 0))

    def reported(self, now: float, step: Step) -> None:
        """Note a step. The time before the first one, such as for compiling, says nothing about the rest."""
        if step.unit != self._last[1].unit or step.done < self._last[1].done:
            self._first = (now, step)
        self._last = (now, step)

    def left(self, now: float) -> float | None:
        """Return seconds; None where too little was measured, or all is done."""
        (began, first), (then, last) = self._first, self._last
        if then - began < MEASURED or last.done <= first.done or last.done >= last.of:
            return None
        return max(0.0, (then - began) / (last.done - first.done) * (last.of - last.done) - (now - then))


class Screen:
    """Shows events; use it as a context, in the one process that writes to the terminal.

    The line is live where a terminal can move its cursor and nothing else writes to it. Elsewhere a plain line is printed
    each half minute.
    """

    def __init__(self, console: Console):
        self.node = ""  # the one that began last
        self.since = time.monotonic()  # when it began, or when the one before it ended
        self._open = False
        self._console = console
        self._running: Began | None = Began("Loading TensorFlow")
        self._step: Step | None = None
        self._pace = Pace()
        self._due = self.since + EACH
        alone = not any(map(os.isatty, (1, 2)))  # standard output and error are sent elsewhere, see `root.output_to`
        # rich must not replace sys.stdout and sys.stderr: what libraries print belongs in the log.
        self._live = Live(
            console=console,
            get_renderable=lambda: Text(self._line(time.monotonic()), no_wrap=True, overflow="ellipsis"),
            refresh_per_second=2,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._lives = console.is_interactive and console.file.isatty() and alone

    def __enter__(self) -> Self:
        if self._lives:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error and self._open:
            self.tell(Ended("failed" if isinstance(error, Exception) else "stopped"))
        self._live.stop()

    def tell(self, event: Event) -> None:
        """Show that a node has begun, makes progress, or has ended."""
        now = time.monotonic()
        match event:
            case Began(node):
                self.node, self.since, self._due, self._open = node, now, now + EACH, True
                self._running, self._step, self._pace = event, None, Pace()
            case Step():
                self._step = event
                self._pace.reported(now, event)
            case Ended(state):
                line = f"  [{COLOURS[state]}]{state:<7}[/] {self.node or THE_START:<18} {now - self.since:6.1f} s"
                self.since, self._open, self._running = now, False, None
                self._console.print(line, highlight=False, soft_wrap=True)

    def look(self) -> None:
        """Print a line if it is time for one. Call it about once a second."""
        if not self._lives and self._running and (now := time.monotonic()) >= self._due:
            self._due += EACH
            self._console.print(self._line(now), markup=False, highlight=False, soft_wrap=True)

    def _line(self, now: float) -> str:
        """Return a line such as `8/16  Trainer  0:47  epoch 2 of 3  about 0:40 left`."""
        running, step = self._running, self._step
        if running is None:
            return ""
        place = f"{running.number}/{running.of}" if running.of else ""
        line = f"  {place:<7} {running.node:<18} {clock(now - self.since):>6}"
        if step and step.done >= step.of:
            line += f"  {step.of:,} of {step.of:,} {step.unit}s done"  # the work after them is not counted
        elif step:
            line += f"  {step.unit} {step.number:,} of {step.of:,}"
            if (left := self._pace.left(now)) is not None:
                line += f"  about {clock(left)} left"
        return line


def clock(seconds: float) -> str:
    """Write seconds as minutes, from an hour on with hours.

    >>> clock(67), clock(3600)
    ('1:07', '1:00:00')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, below = divmod(minutes, 60)
    return f"{hours}:{below:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
