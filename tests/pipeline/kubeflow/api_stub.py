"""Stands in for the API server of Kubeflow Pipelines: the part of its v2beta1 REST interface that our client uses.

Answers follow kubeflow/pipelines, backend/api/v2beta1 and backend/src/apiserver/server: names in snake case, numbers of 64 bits
as texts, nothing where a list is empty, and in multi-user mode no list of pipelines without a namespace.
"""

import email
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = "/apis/v2beta1/"
PAGE = 2  # what the stub gives at once, so that a client has to turn pages


@dataclass(frozen=True)
class Request:
    """One that arrived.

    Attributes:
        path: below /apis/v2beta1/.
        body: JSON, or the uploaded file's content, or nothing.
    """

    method: str
    path: str
    query: dict[str, str]
    body: Any
    authorization: str | None


class Refused(Exception):
    """Arguments: HTTP status and message."""


@dataclass
class Api:
    """What the server holds.

    Attributes:
        address: of the server.
        requests: all, in the order of their arrival.
        broken: (status, content type, body) that answers everything, by method and beginning of the path, as in "GET runs".
        states: of a run, one for each time it is asked for; the last one stays.
    """

    multi_user: bool = False
    address: str = ""
    requests: list[Request] = field(default_factory=list)
    broken: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    states: list[str] = field(default_factory=lambda: ["SUCCEEDED"])
    pipelines: list[dict] = field(default_factory=list)
    versions: list[dict] = field(default_factory=list)
    experiments: list[dict] = field(default_factory=list)
    runs: list[dict] = field(default_factory=list)
    recurring: list[dict] = field(default_factory=list)
    made: int = 0

    def sent(self, method: str, path: str) -> list[Request]:
        """The requests of a method and path."""
        return [each for each in self.requests if (each.method, each.path) == (method, path)]

    def answer(self, request: Request) -> dict:  # noqa: PLR0911 (a table of what is answered)
        """Raises Refused."""
        match request.method, request.path.split("/"):
            case "GET", ["healthz"]:
                return {"multi_user": self.multi_user}
            case "GET", ["pipelines"]:
                self._needs_namespace(request.query.get("namespace"))
                return self._page("pipelines", self.pipelines, request)
            case "POST", ["pipelines", "upload"]:
                return self._pipeline(request)
            case "POST", ["pipelines", "upload_version"]:
                return self._version(request.query["pipelineid"], request.query["name"], request.body)
            case "GET", ["pipelines", pipeline_id, "versions"]:
                of_it = [each for each in self.versions if each["pipeline_id"] == pipeline_id]
                return self._page("pipeline_versions", of_it, request)
            case "GET", ["experiments"]:
                return self._page("experiments", self.experiments, request)
            case "POST", ["experiments"]:
                return self._add(self.experiments, "experiment", request.body)
            case "POST", ["runs"]:
                return self._add(self.runs, "run", request.body | {"state": "PENDING"})
            case "GET", ["runs", run_id]:
                return find(self.runs, "run_id", run_id) | {"state": self._next_state()}
            case "GET", ["recurringruns"]:
                of_it = [each for each in self.recurring if each["experiment_id"] == request.query["experiment_id"]]
                return self._page("recurringRuns", of_it, request)
            case "POST", ["recurringruns"]:
                return self._add(self.recurring, "recurring_run", request.body)
            case "DELETE", ["recurringruns", recurring_run_id]:
                self.recurring.remove(find(self.recurring, "recurring_run_id", recurring_run_id))
                return {}
        raise Refused(404, f"{request.method} {request.path}")

    def _needs_namespace(self, namespace: str | None) -> None:
        if self.multi_user and not namespace:
            raise Refused(400, "Namespace cannot be empty in multi-user mode")

    def _page(self, name: str, found: list[dict], request: Request) -> dict:
        for predicate in json.loads(request.query.get("filter", "{}")).get("predicates", []):
            assert predicate["operation"] in ("EQUALS", 1)
            assert predicate["key"] == "display_name"
            found = [each for each in found if each["display_name"] == predicate["stringValue"]]
        start = int(request.query.get("page_token") or 0)
        page: dict[str, Any] = {name: found[start : start + PAGE], "total_size": len(found)} if found else {}
        return page | ({"next_page_token": str(start + PAGE)} if start + PAGE < len(found) else {})

    def _pipeline(self, request: Request) -> dict:
        name, namespace = request.query["name"], request.query.get("namespace")
        self._needs_namespace(namespace)
        if any(each["display_name"] == name for each in self.pipelines):
            raise Refused(409, f"The name {name} already exist. Please specify a new name")
        stated = {"display_name": name} | ({"namespace": namespace} if self.multi_user else {})
        made = self._add(self.pipelines, "pipeline", stated)
        self._version(made["pipeline_id"], name, request.body)
        return made

    def _version(self, pipeline_id: str, name: str, package: str) -> dict:
        if any((each["pipeline_id"], each["display_name"]) == (pipeline_id, name) for each in self.versions):
            raise Refused(409, f"The name {name} already exist. Please specify a new name")
        find(self.pipelines, "pipeline_id", pipeline_id)
        stated = {"display_name": name, "pipeline_id": pipeline_id, "package_url": {}, "code_source_url": ""}
        return self._add(self.versions, "pipeline_version", stated)

    def _add(self, things: list[dict], kind: str, stated: dict) -> dict:
        """Keeps a thing under a new id."""
        self.made += 1
        things.append(stated | {f"{kind}_id": f"{kind}-{self.made}", "created_at": "2026-07-01T03:00:00Z"})
        return things[-1]

    def _next_state(self) -> str:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


def find(things: list[dict], key: str, value: str) -> dict:
    """Raises Refused."""
    for each in things:
        if each[key] == value:
            return each
    raise Refused(404, f"{key} {value} not found.")


@contextmanager
def api_server(**settings: Any) -> Iterator[Api]:
    """A stub at a free port, for the time of the block."""
    api = Api(**settings)

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            url = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {key: value for key, [value] in parse_qs(url.query).items()}
            path = url.path.removeprefix(ROOT)
            body = parsed(self.headers.get("Content-Type", ""), content)
            request = Request(self.command, path, query, body, self.headers.get("Authorization"))
            api.requests.append(request)
            broken = next((answer for start, answer in api.broken.items() if f"{self.command} {path}".startswith(start)), None)
            try:
                self.say(*(broken or (200, "application/json", json.dumps(api.answer(request)))))
            except Refused as refused:
                status, message = refused.args
                self.say(status, "application/json", json.dumps({"error": message, "code": 3, "message": message}))

        do_GET = do_POST = do_DELETE = do  # noqa: N815 (BaseHTTPRequestHandler's names)

        def say(self, status: int, content_type: str, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def parsed(content_type: str, content: bytes) -> Any:
    """JSON, or the one file of a form."""
    if content_type.startswith("multipart/form-data"):
        form = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + content)
        [file] = [part for part in form.get_payload() if part.get_filename()]
        return file.get_payload(decode=True).decode()
    return json.loads(content) if content else None
