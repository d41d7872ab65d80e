"""Server-side batching: rows of requests that arrive together are scored in one call."""

import asyncio
import functools
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from serving.refused import Refused, StatusCode, invalid
from serving.server.parameters import Batching
from serving.server.servable import Tensors

MICROSECOND = 1e-6


@dataclass(eq=False)
class Task:
    """Rows that wait for their answers."""

    columns: Tensors
    rows: int
    answer: asyncio.Future[Tensors]


@dataclass(eq=False)
class Batch:
    """Tasks that are scored together."""

    tasks: list[Task] = field(default_factory=list)
    rows: int = 0
    due: float = 0.0  # on the loop's clock: when its first task must not wait for others any longer


class Batcher:
    """A bounded queue in front of one signature. Used from one event loop; the batches run in a pool of threads.

    A batch starts when it is full, or when its first request has waited `batch_timeout_micros`, and a thread is free. The last
    batch of the queue is open: it takes what comes, as in TensorFlow Serving's SharedBatchScheduler.
    """

    def __init__(self, run: Callable[[Tensors], Tensors], limits: Batching, pool: Executor, *, together: bool = True):
        """Args:
        run: scores columns; called in the pool. What it raises fails one request only.
        limits: sizes and waits.
        pool: threads that run it.
        together: False makes every request a batch of its own, of any size.
        """
        self._run, self._limits, self._pool, self._together = run, limits, pool, together
        self._queue = deque([Batch()])
        self.queued = 0  # rows that wait
        self._running = 0  # batches
        self._timer: asyncio.TimerHandle | None = None

    async def submit(self, columns: Tensors, rows: int) -> Tensors:
        """Queue `rows` rows and return their answers.

        Raises:
            Refused: UNAVAILABLE when the queue is full, INVALID_ARGUMENT when it never holds as many.
        """
        if not self._together:
            pieces = [rows]
        else:
            self._admit(rows)
            pieces = self._split(rows)
        loop = asyncio.get_running_loop()
        tasks = []
        start = 0
        for size in pieces:
            piece = columns if size == rows else {name: column[start : start + size] for name, column in columns.items()}
            start += size
            tasks.append(Task(piece, size, loop.create_future()))
            self._enqueue(tasks[-1], loop.time())
        self._start()
        if len(tasks) == 1:
            return await tasks[0].answer
        answers = await asyncio.gather(*(task.answer for task in tasks))
        return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}

    def _admit(self, rows: int) -> None:
        """Raise Refused where TensorFlow Serving does, in its words."""
        limits, waiting, free = self._limits, len(self._queue), self._limits.rows - self._queue[-1].rows
        if rows > limits.max_batch_size:
            raise invalid(
                f"Task size {rows} is larger than maximum input batch size {limits.max_batch_size}. Send several requests."
            )
        if limits.enable_large_batch_splitting:
            free += (limits.max_enqueued_batches - waiting) * limits.rows
            fits = rows <= free
        else:
            fits = rows <= free or waiting < limits.max_enqueued_batches
        if not fits:
            raise Refused(
                StatusCode.UNAVAILABLE,
                f"The batch scheduling queue to which this task was submitted is full: {self.queued} rows wait in {waiting} "
                f"batches, room is for {limits.max_enqueued_batches} of {limits.rows}. Try again later.",
            )

    def _split(self, rows: int) -> list[int]:
        """Return the sizes of a request's pieces: the first fills the open batch."""
        limits = self._limits
        free = limits.rows - self._queue[-1].rows
        if not limits.enable_large_batch_splitting or rows <= free:
            return [rows]
        first = [free] if free else []
        whole, last = divmod(rows - free, limits.rows)
        return first + [limits.rows] * whole + ([last] if last else [])

    def _enqueue(self, task: Task, now: float) -> None:
        """Put a task into the open batch, or into a new one where it does not fit."""
        batch = self._queue[-1]
        if batch.tasks and (not self._together or batch.rows + task.rows > self._limits.rows):
            self._queue.append(batch := Batch())
        if not batch.tasks:
            batch.due = now + self._limits.batch_timeout_micros * MICROSECOND
        batch.tasks.append(task)
        batch.rows += task.rows
        self.queued += task.rows

    def _start(self) -> None:
        """Start as many batches as are due and have a thread."""
        loop = asyncio.get_running_loop()
        while self._queue[0].tasks and self._running < self._limits.num_batch_threads:
            first = self._queue[0]
            wait = first.due - loop.time()
            if self._together and len(self._queue) == 1 and first.rows < self._limits.rows and wait > 0:
                if self._timer is None:
                    self._timer = loop.call_later(wait, self._ring)
                return
            if len(self._queue) == 1:
                self._queue.append(Batch())
            self._queue.popleft()
            self.queued -= first.rows
            if batch := [task for task in first.tasks if not task.answer.done()]:  # without those whose clients have gone
                self._running += 1
                running = loop.run_in_executor(self._pool, self._score, batch)
                running.add_done_callback(functools.partial(self._finish, batch))

    def _ring(self) -> None:
        self._timer = None
        self._start()

    def _score(self, batch: list[Task]) -> list[Tensors | Exception]:
        """Return the answers to each task. A batch that fails is tried task by task, so that one does not fail the others."""
        try:
            if len(batch) == 1 and not self._limits.allowed_batch_sizes:
                return [self._run(batch[0].columns)]
            rows = sum(task.rows for task in batch)
            answers = self._run(merged([task.columns for task in batch], self._filler(rows), self._limits))
        except Refused as error:
            return [error] * len(batch)
        except Exception as error:
            return [error] if len(batch) == 1 else [self._score([task])[0] for task in batch]
        ends = np.cumsum([task.rows for task in batch])
        pieces = {name: np.split(column[: ends[-1]], ends[:-1]) for name, column in answers.items()}
        return [{name: piece[index] for name, piece in pieces.items()} for index in range(len(batch))]

    def _filler(self, rows: int) -> int:
        """Return how many rows are missing to the next allowed size."""
        return next((size - rows for size in self._limits.allowed_batch_sizes if size >= rows), 0) if self._together else 0

    def _finish(self, batch: list[Task], done: asyncio.Future[list[Tensors | Exception]]) -> None:
        self._running -= 1
        for task, answer in zip(batch, done.result(), strict=True):
            if task.answer.done():
                continue
            if isinstance(answer, Exception):
                task.answer.set_exception(answer)
            else:
                task.answer.set_result(answer)
        self._start()


def merged(tasks: list[Tensors], filler: int, limits: Batching) -> Tensors:
    """Join the columns of several tasks, and fill up with `filler` times the first row of the last task.

    Inputs of different shapes are padded with the first of their values, or refused.
    """
    return {name: _merged(name, [task[name] for task in tasks], filler, limits) for name in tasks[0]}


def _merged(name: str, columns: list[np.ndarray], filler: int, limits: Batching) -> np.ndarray:
    if len({column.shape[1:] for column in columns}) > 1:
        if not limits.pad_variable_length_inputs or len({column.ndim for column in columns}) > 1:
            raise Refused(
                StatusCode.FAILED_PRECONDITION,
                f"Tensors with name '{name}' from different tasks have different shapes and padding is turned off. "
                "Set pad_variable_length_inputs to true.",
            )
        shape = np.max([column.shape[1:] for column in columns], axis=0)
        columns = [_padded(column, shape) for column in columns]
    if filler:
        columns = [*columns, np.repeat(columns[-1][:1], filler, axis=0)]
    return np.concatenate(columns) if len(columns) > 1 else columns[0]


def _padded(column: np.ndarray, shape: np.ndarray) -> np.ndarray:
    missing = [(0, 0), *((0, int(size - own)) for size, own in zip(shape, column.shape[1:], strict=True))]
    return np.pad(column, missing, constant_values=column.flat[0] if column.size else 0)
