"""An open-loop load generator: requests start at fixed times, whatever became of those before, in a process of its own.

A latency counts from the time at which the request was due, so a server that stalls cannot slow its own load (coordinated
omission; Gil Tene's wrk2 does the same). `late` is how far behind its own schedule the generator was: above a millisecond
or two at the median, it and not the server is measured.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

import grpc
import numpy as np
import uvloop

METHOD = "/tensorflow.serving.PredictionService/Predict"
CONNECTIONS = 4
IN_TIME = 25.0  # milliseconds


class Grpc:
    """Sends a serialized PredictRequest, and reads no more of the answer than its status."""

    def __init__(self, address: str, body: bytes, connections: int = CONNECTIONS):
        self._body = body
        options = [("grpc.use_local_subchannel_pool", 1)]  # else all channels share one connection
        self._channels = [grpc.aio.insecure_channel(address, options) for _ in range(connections)]
        self._calls = [channel.unary_unary(METHOD) for channel in self._channels]
        self._next = 0

    async def send(self) -> str:
        """The status by name."""
        self._next += 1
        try:
            await self._calls[self._next % len(self._calls)](self._body, timeout=10)
        except grpc.aio.AioRpcError as error:
            return error.code().name
        return "OK"


class Rest:
    """Keeps connections open, and opens another when all are busy: as many as there are requests at a time."""

    def __init__(self, address: str, body: bytes, _connections: int = CONNECTIONS):
        self._host, _, port = address.partition(":")
        self._port = int(port)
        head = f"POST /v1/models/flight_delay:predict HTTP/1.1\r\nHost: {address}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._request = head.encode() + body
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self) -> str:
        """The status by name, or HTTP's number."""
        try:
            reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        except OSError as error:
            return type(error).__name__
        self._idle.append((reader, writer))
        status = head.split(b" ", 2)[1].decode()
        return {"200": "OK", "429": "RESOURCE_EXHAUSTED"}.get(status, status)


Client = Grpc | Rest
CLIENTS: dict[str, type[Client]] = {"grpc": Grpc, "rest": Rest}


async def run(client: Client, rate: float, seconds: float) -> dict:
    """Sends for some seconds, and waits for the last answer."""
    sent: list[tuple[float, float, str]] = []  # latency and lateness in milliseconds, status

    async def one(due: float) -> None:
        late = time.perf_counter() - due
        status = await client.send()
        sent.append(((time.perf_counter() - due) * 1e3, late * 1e3, status))

    loop = asyncio.get_running_loop()
    start = time.perf_counter() + 0.1
    tasks = set()
    for number in range(int(rate * seconds)):
        due = start + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = loop.create_task(one(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    elapsed = time.perf_counter() - start
    answered = np.array([latency for latency, _, status in sent if status == "OK"] or [np.nan])
    return {
        "rate": rate,
        "answered": len(answered) / max(elapsed, seconds),
        "statuses": dict(Counter(status for _, _, status in sent)),
        "p50": float(np.percentile(answered, 50)),
        "p95": float(np.percentile(answered, 95)),
        "p99": float(np.percentile(answered, 99)),
        "max": float(answered.max()),
        "in time": sum(status == "OK" and latency < IN_TIME for latency, _, status in sent) / len(sent),
        "late": float(np.median([late for _, late, _ in sent])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.open_loop", description=__doc__.splitlines()[0])
    parser.add_argument("protocol", choices=list(CLIENTS))
    parser.add_argument("address")
    parser.add_argument("body", type=Path, help="file with the request's bytes")
    parser.add_argument("rate", type=float, help="requests a second")
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()

    async def measure() -> dict:
        return await run(CLIENTS[options.protocol](options.address, options.body.read_bytes()), options.rate, options.seconds)

    json.dump(uvloop.run(measure()), sys.stdout)


if __name__ == "__main__":
    main()
