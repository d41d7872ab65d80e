"""Ten minutes of requests that are nearly right, at the REST API of a real local server: `make fuzz-serving`.

Half of the time schemathesis makes requests of a schema, half of it bytes of a valid request are changed. A finding is an
answer that is no JSON, a status that TensorFlow Serving does not give, a server that ended, or one that grew by 200 MB.
"""

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import httpx

from components.canary.server import Server
from components.model_store import store
from components.shared import problem_folder
from data import DEFAULT_PROBLEM
from serving.client import Target, connect
from tests.serving.servers import copy_version, serving

STATUSES = {200, 400, 404, 413, 429, 503}
GROWTH_MB = 200
ODD = 0.1  # of the requests are gzipped, and as many offer HTTP/2
TOKENS = [
    b"NaN",
    b"1e999",
    b"-1e-999",
    b"null",
    b"[[",
    b"]]",
    b"{}",
    b'"',
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"9" * 400,
    b"[" * 3000,
]
SCHEMA = Path(__file__).with_name("openapi.yaml")
VALUES = {"DT_STRING": "a", "DT_FLOAT": float("nan"), "DT_INT64": 1}
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def filled(inputs: Iterable[str], model: str) -> str:
    """The schema for a model that takes these inputs."""
    values = ", ".join(f'{name}: {{$ref: "#/components/schemas/value"}}' for name in inputs)
    return SCHEMA.read_text(encoding="utf-8").replace("MODEL", model).replace("INPUTS", values)


def mutated(body: bytes, chance: random.Random) -> bytes:
    """A few bytes of it taken out, doubled, changed or replaced by something awkward."""
    changed = bytearray(body)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        start = chance.randrange(len(changed) + 1)
        end = min(len(changed), start + chance.choice([0, 1, 1, 3, 30, 300]))
        changed[start:end] = chance.choice(
            [b"", changed[start:end] * 2, bytes([chance.randrange(256)]), chance.choice(TOKENS), chance.randbytes(3)]
        )
    return bytes(changed)


def bytes_changed(server: Server, body: bytes, seconds: float, seed: int) -> Counter[int]:
    """Sends changed bodies for some seconds. Returns the statuses. Raises AssertionError for a finding."""
    chance, seen = random.Random(seed), Counter()  # noqa: S311
    until = time.monotonic() + seconds
    with httpx.Client(base_url=f"http://{server.rest}", timeout=30) as client:
        while time.monotonic() < until:
            sent, headers = mutated(body, chance), {}
            if chance.random() < ODD:
                sent, headers = mutated(gzip.compress(sent), chance), {"Content-Encoding": "gzip"}
            if chance.random() < ODD:
                headers |= {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQ"}
            verb = chance.choice(["predict", "predict", "predict", "classify", "regress"])
            response = client.post(f"/v1/models/{server.model}:{verb}", content=sent, headers=headers)
            assert response.status_code in STATUSES, (response.status_code, response.text[:300], sent)
            assert isinstance(json.loads(response.text), dict), (response.text[:300], sent)
            seen[response.status_code] += 1
    return seen


def of_the_schema(server: Server, schema: Path, seconds: float, seed: int) -> int:
    """Runs schemathesis again and again for some seconds. Returns the runs. Raises AssertionError for a finding."""
    until, runs = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        command = [str(Path(sys.executable).parent / "schemathesis"), "run", str(schema)]
        command += ["--url", f"http://{server.rest}", "--checks", CHECKS, "--max-examples", "200", "--seed", str(seed + runs)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-1000:]
        runs += 1
    return runs


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.serving.fuzz", description=__doc__.splitlines()[0])
    problem_folder.add_option(parser, DEFAULT_PROBLEM)
    parser.add_argument("--seconds", type=float, default=600.0, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="(default: another each time)")
    options = parser.parse_args()
    published = problem_folder.published(options.problem, "serving")
    version = store.production(published)
    assert version, f"{published} holds no model; `make run` publishes one."
    with tempfile.TemporaryDirectory() as folder:
        copy_version(version.folder, Path(folder))
        with serving(Path(folder), "--max_body_mb=1", model=published.name) as server:
            with connect(Target(f"http://{server.rest}", server.model)) as client:
                inputs = client.inputs()
            row = {name: VALUES[dtype] for name, dtype in inputs.items()}
            body = json.dumps({"signature_name": "raw", "instances": [row, row, row]}).encode()
            schema = Path(folder) / "openapi.yaml"
            schema.write_text(filled(inputs, server.model), encoding="utf-8")
            ask = f"http://{server.rest}/v1/models/{server.model}:predict"
            before = httpx.post(ask, content=body).json()["predictions"]
            memory = server.memory()[0]
            seen = bytes_changed(server, body, options.seconds / 2, options.seed)
            runs = of_the_schema(server, schema, options.seconds / 2, options.seed)
            assert httpx.post(ask, content=body).json()["predictions"] == before
            grown = server.memory()[0] - memory
    assert grown < GROWTH_MB, f"The server has grown by {grown:.0f} MB"
    print(f"Seed {options.seed}. Changed bodies: {sum(seen.values()):,}, statuses {dict(seen)}. Runs of schemathesis: {runs}.")
    print(f"Nothing found; the server has grown by {grown:.0f} MB and answers as before.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
