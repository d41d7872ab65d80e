"""Inside the serving image: the entry point serves what is in /models, and the health check says so. Both come as JSON."""

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx

entry_point, health_check = (json.loads(argument) for argument in sys.argv[1:])


def healthy() -> bool:
    return subprocess.run(health_check, capture_output=True, check=False, timeout=5).returncode == 0


assert not healthy(), "healthy, and nothing runs"
begun = time.monotonic()
server = subprocess.Popen(entry_point)
try:
    while not healthy():
        assert server.poll() is None, f"the server ended with {server.returncode}"
        assert time.monotonic() < begun + 120, "not healthy after 120 s"
        time.sleep(0.5)
    seconds = time.monotonic() - begun
    request = Path("/opt/crosswind/data/flights/request.json").read_bytes()
    answer = httpx.post("http://localhost:8501/v1/models/flight_delay:predict", content=request).raise_for_status().json()
finally:
    server.terminate()
    code = server.wait(30)
assert code == 0, f"SIGTERM ended the server with {code}"
assert answer["predictions"], answer
print(f"healthy after {seconds:.0f} s, then it answered {answer['predictions']}")
