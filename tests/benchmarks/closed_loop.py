"""A closed-loop load generator: so many connections, each with one request under way, in a process of its own.

What most services do: a pool of keep-alive connections, each sends its next request when the last one is answered or refused.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import uvloop

from tests.benchmarks.open_loop import CLIENTS, Client

WARM_SECONDS = 1.0  # in which connections are made


async def run(clients: list[Client], seconds: float) -> dict:
    """Keeps one request under way in each client. What began before the first second is not counted."""
    sent: list[tuple[float, str]] = []  # latency in milliseconds, status
    warming = 0
    start = time.perf_counter() + WARM_SECONDS
    end = start + seconds

    async def keep_asking(client: Client) -> None:
        nonlocal warming
        while (began := time.perf_counter()) < end:
            status = await client.send()
            if began < start:
                warming += 1
            else:
                sent.append(((time.perf_counter() - began) * 1e3, status))

    await asyncio.gather(*map(keep_asking, clients))
    elapsed = time.perf_counter() - start
    answered = np.array([latency for latency, status in sent if status == "OK"] or [np.nan])
    return {
        "connections": len(clients),
        "requests": warming + len(sent),
        "answered": sum(status == "OK" for _, status in sent) / elapsed,
        "statuses": dict(Counter(status for _, status in sent)),
        "p50": float(np.percentile(answered, 50)),
        "p99": float(np.percentile(answered, 99)),
        "max": float(answered.max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.closed_loop", description=__doc__.splitlines()[0])
    parser.add_argument("protocol", choices=list(CLIENTS))
    parser.add_argument("address")
    parser.add_argument("body", type=Path, help="file with the request's bytes")
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()

    async def measure() -> dict:
        body = options.body.read_bytes()
        clients = [CLIENTS[options.protocol](options.address, body, 1) for _ in range(options.connections)]
        return await run(clients, options.seconds)

    json.dump(uvloop.run(measure()), sys.stdout)


if __name__ == "__main__":
    main()
