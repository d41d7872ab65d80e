"""Server-side batching: rows of requests that arrive together are scored in one call."""

import asyncio
import functools
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from serving.refused import Refused, StatusCode, invalid
from serving.server.config import Batching
from serving.server.servable import Columns

MICROSECOND = 1e-6


@dataclass(eq=False)
class Task:
    """Rows that wait for their answers."""

    columns: Columns
    rows: int
    due: float  # on the loop's clock: when it must not wait for others any longer
    answer: asyncio.Future[Columns]


class Batcher:
    """A bounded queue in front of one signature. Used from one event loop; the batches run in a pool of threads.

    A batch starts when it is full, or when its first request has waited `batch_timeout_micros`, and a thread is free.
    """

    def __init__(self, run: Callable[[Columns], Columns], limits: Batching, pool: Executor, *, together: bool = True):
        """Args:
        run: scores columns; called in the pool.
        limits: sizes and times.
        pool: where it runs.
        together: False: every request is a batch of its own.
        """
        self._run, self._limits, self._pool, self._together = run, limits, pool, together
        self._room = limits.max_batch_size * limits.max_enqueued_batches
        self._queue: deque[Task] = deque()
        self.queued = 0  # rows that wait
        self._running = 0  # batches
        self._timer: asyncio.TimerHandle | None = None

    async def submit(self, columns: Columns, rows: int) -> Columns:
        """The answers to `rows` rows; more than a batch holds are split.

        Raises:
            Refused: RESOURCE_EXHAUSTED when the queue is full, INVALID_ARGUMENT when the queue never holds as many.
        """
        if rows > self._room:
            raise invalid(f"The request has {rows} rows; this server takes at most {self._room} in one. Send several.")
        if self.queued + rows > self._room:
            raise Refused(
                StatusCode.RESOURCE_EXHAUSTED,
                f"The batch scheduling queue is full: {self.queued} rows wait, room is for {self._room}.",
            )
        loop = asyncio.get_running_loop()
        due = loop.time() + self._limits.batch_timeout_micros * MICROSECOND
        size = self._limits.max_batch_size
        tasks = []
        for start in range(0, rows, size):
            piece = columns if rows <= size else {name: column[start : start + size] for name, column in columns.items()}
            tasks.append(Task(piece, min(size, rows - start), due, loop.create_future()))
        self._queue.extend(tasks)
        self.queued += rows
        self._start()
        if len(tasks) == 1:
            return await tasks[0].answer
        answers = await asyncio.gather(*(task.answer for task in tasks))
        return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}

    def _start(self) -> None:
        """Starts as many batches as are due and have a thread."""
        loop = asyncio.get_running_loop()
        while self._queue and self._running < self._limits.num_batch_threads:
            wait = self._queue[0].due - loop.time()
            if self._together and self.queued < self._limits.max_batch_size and wait > 0:
                if self._timer is None:
                    self._timer = loop.call_later(wait, self._ring)
                return
            if batch := self._next():
                self._running += 1
                running = loop.run_in_executor(self._pool, self._score, batch)
                running.add_done_callback(functools.partial(self._finish, batch))

    def _ring(self) -> None:
        self._timer = None
        self._start()

    def _next(self) -> list[Task]:
        """The next batch, without the requests whose clients have gone."""
        batch: list[Task] = []
        rows = 0
        while self._queue and (not batch or (self._together and rows + self._queue[0].rows <= self._limits.max_batch_size)):
            task = self._queue.popleft()
            self.queued -= task.rows
            if not task.answer.done():
                batch.append(task)
                rows += task.rows
        return batch

    def _score(self, batch: list[Task]) -> list[Columns | Exception]:
        """Answers to each task. A batch that fails is tried task by task, so that one does not fail the others."""
        try:
            if len(batch) == 1:
                return [self._run(batch[0].columns)]
            names = batch[0].columns
            answers = self._run({name: np.concatenate([task.columns[name] for task in batch]) for name in names})
        except Exception as error:
            return [error] if len(batch) == 1 else [self._score([task])[0] for task in batch]
        ends = np.cumsum([task.rows for task in batch])[:-1]
        pieces = {name: np.split(column, ends) for name, column in answers.items()}
        return [{name: piece[index] for name, piece in pieces.items()} for index in range(len(batch))]

    def _finish(self, batch: list[Task], done: asyncio.Future[list[Columns | Exception]]) -> None:
        self._running -= 1
        for task, answer in zip(batch, done.result(), strict=True):
            if task.answer.done():
                continue
            if isinstance(answer, Exception):
                task.answer.set_exception(answer)
            else:
                task.answer.set_result(answer)
        self._start()
