"""Notices that requests wait before anybody has seen them: the server asks itself, and times the answer."""

import asyncio
import contextlib
import random
import time
from collections import deque

import grpc

from components import network

FEW = 8
PROBES = 3  # of which the shortest counts: a queue that stands is overload, one that comes and goes is not (RFC 8289, CoDel)
PREDICT = "/tensorflow.serving.PredictionService/Predict"


class Probe:
    """The time that a request waits now.

    Behind a full event loop requests queue up in gRPC's core and in the sockets, where no counter of ours sees them. A probe
    that is sent through the same door waits as long as they do. gRPC has a queue for each method, so the door is Predict's;
    the probe names no model, and is turned away at once.
    """

    def __init__(self, limit: float = 0.001, all_above: float = 0.004, interval: float = 0.005):
        """Args:
        limit: seconds of waiting from which on some requests are refused.
        all_above: seconds from which on all are. All or none would swing between idle and full.
        interval: seconds between probes, while there are requests.
        """
        self._limit, self._range, self._interval = limit, all_above - limit, interval
        self._waits = deque([0.0] * PROBES, PROBES)  # what the last probes took
        self._requests = 0
        self._random = random.Random()  # noqa: S311  # a sample, not a secret

    def waiting(self) -> float:
        """Seconds that any request waits now, about."""
        return min(self._waits)

    def refuses(self, in_flight: int) -> bool:
        """Counts a request, and says whether to refuse it. A few at a time never are: they wait for no queue."""
        self._requests += 1
        return in_flight > FEW and self.waiting() > self._limit + self._random.random() * self._range

    async def run(self, address: str) -> None:
        """Probes the server at `address`, for ever. Costs nothing while there are no requests."""
        async with grpc.aio.insecure_channel(address, network.grpc_options(address)) as channel:
            predict = channel.unary_unary(PREDICT)
            seen = 0
            while True:
                await asyncio.sleep(self._interval)
                if self._requests == seen:
                    self._waits.append(0.0)
                    continue
                seen = self._requests
                sent = time.perf_counter()
                with contextlib.suppress(grpc.aio.AioRpcError):
                    await predict(b"")
                self._waits.append(time.perf_counter() - sent)
