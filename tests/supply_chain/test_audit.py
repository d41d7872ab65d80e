"""`make audit` asks OSV about every locked package in one request; here a stub of OSV answers."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.stubs import answering
from tests.supply_chain.lock import REPOSITORY, UV, packages

AUDIT = ["audit", "--locked", "--preview-features=audit-command"]
ADVISORY = {
    "id": "TEST-1",
    "summary": "planted",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99"}]}],
        }
    ],
}


@contextmanager
def osv_stub(vulnerable: str) -> Iterator[tuple[str, list[dict]]]:
    """Serves OSV's answers, an advisory for one package. Yields the address and the packages that were asked about."""
    asked: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            """Says nothing."""

        def _answer(self, content: dict) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            asked.extend(queries)
            found = {"vulns": [{"id": ADVISORY["id"], "modified": ADVISORY["modified"]}]}
            self._answer({"results": [found if query["package"]["name"] == vulnerable else {} for query in queries]})

        def do_GET(self):
            self._answer(ADVISORY)

    with answering(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}/", asked


def audit(address: str) -> subprocess.CompletedProcess[str]:
    command = [UV, *AUDIT, f"--service-url={address}"]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


def test_every_locked_package_is_asked_about_stubbed():
    with osv_stub("") as (address, asked):
        found = audit(address)
    assert found.returncode == 0, found.stderr
    assert {(each["package"]["name"], each["version"]) for each in asked} == {(one.name, one.version) for one in packages()}


def test_a_vulnerability_fails_the_audit_stubbed():
    with osv_stub("jinja2") as (address, _):
        found = audit(address)
    assert found.returncode == 1
    assert re.search("jinja2 .* has 1 known vulnerability", found.stdout)
    assert "TEST-1: planted" in found.stdout


def test_an_audit_that_nobody_answers_fails():
    with osv_stub("") as (address, _):
        pass
    assert audit(address).returncode not in (0, 1)
