"""Stands in for the API server of Kubeflow Pipelines: the part of its v2beta1 REST interface that our client uses.

Answers follow kubeflow/pipelines 2.16.1, backend/api/v2beta1 and backend/src/apiserver: names in snake case, numbers of 64 bits
as texts, nothing where a list is empty. Refusals have the server's own words: in multi-user mode whatever has no namespace, of
pipelines that are kept as Kubernetes' objects a version whose name is none of DNS. A recurring run owns the workflows
of its runs: with it they are deleted, at once, unless the deletion is to leave orphans.
"""

import email
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = "/apis/v2beta1/"
DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")  # of a Kubernetes object, RFC 1123
UNDER_WAY = ("RUNTIME_STATE_UNSPECIFIED", "PENDING", "RUNNING", "PAUSED", "CANCELING")
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


class UploadFailed(Refused):
    """The upload service's."""


@dataclass
class Api:
    """What the server holds.

    Attributes:
        address: of the server.
        requests: all, in the order of their arrival.
        broken: (status, content type, body) that answers everything, by method and beginning of the path, as in "GET runs".
        outages: answers as in `broken`, one for each request, which are gone then.
        states: of a run, one for each time it is asked for; the last one stays.
        tasks: states of a run's tasks by name, as the server takes them from the workflow's nodes.
        ends: whether a run that is told to end does.
        refuses_new: whether no recurring run can be made.
        killed: ids of runs whose workflow was deleted while it ran. KFP shows them as running for ever.
    """

    multi_user: bool = False
    pipelines_in_kubernetes: bool = False
    address: str = ""
    requests: list[Request] = field(default_factory=list)
    broken: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    outages: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    states: list[str] = field(default_factory=lambda: ["SUCCEEDED"])
    tasks: dict[str, str] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    ends: bool = True
    refuses_new: bool = False
    pipelines: list[dict] = field(default_factory=list)
    versions: list[dict] = field(default_factory=list)
    experiments: list[dict] = field(default_factory=list)
    runs: list[dict] = field(default_factory=list)
    recurring: list[dict] = field(default_factory=list)
    made: int = 0

    def sent(self, method: str, path: str) -> list[Request]:
        """The requests of a method and path."""
        return [each for each in self.requests if (each.method, each.path) == (method, path)]

    def start(self) -> None:
        """Listens: at a free port, or again at the one that it had."""
        self._server = ThreadingHTTPServer(("127.0.0.1", urlsplit(self.address).port or 0), handler(self))
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])
        self._thread.start()

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

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
                self._needs(
                    request.query.get("namespace"), "List experiments failed: Failed to authorize with API: ", "An experiment"
                )
                return self._page("experiments", self.experiments, request)
            case "POST", ["experiments"]:
                begins = "Failed to create a experiment: Failed to authorize the request: "
                self._needs(request.body.get("namespace"), begins, "An experiment")
                return self._add(self.experiments, "experiment", request.body)
            case "GET", ["runs"]:
                return self._page("runs", self._of_experiment(self.runs, request, "A run"), request)
            case "POST", ["runs"]:
                self._needs_experiment(request.body)
                return self._add(self.runs, "run", request.body | {"state": "PENDING"})
            case "GET", ["runs", run_id]:
                return self._run(find(self.runs, "run_id", run_id))
            case "POST", ["runs", action] if action.endswith(":terminate"):
                find(self.runs, "run_id", action.removesuffix(":terminate"))["state"] = "CANCELING"
                self.states = ["CANCELING", "CANCELED"] if self.ends else ["CANCELING"]
                return {}
            case _, ["recurringruns", *_]:
                return self._recurring(request)
        raise Refused(404, f"{request.method} {request.path}")

    def _recurring(self, request: Request) -> dict:
        match request.method, request.path.split("/")[1:]:
            case "GET", []:
                of_it = self._of_experiment(self.recurring, request, "a recurring run")
                return self._page("recurringRuns", of_it, request)
            case "POST", []:
                if self.refuses_new:
                    raise Refused(500, "Internal Server Error")
                self._needs_experiment(request.body)
                if len(request.body["trigger"]["cron_schedule"]["cron"].split()) not in (5, 6):
                    raise Refused(400, "Schedule cron is not a supported format(https://godoc.org/github.com/robfig/cron).")
                return self._add(self.recurring, "recurring_run", request.body | {"status": "ENABLED"})
            case "POST", [action]:
                recurring_run_id, _, verb = action.partition(":")
                status = {"enable": "ENABLED", "disable": "DISABLED"}[verb]
                find(self.recurring, "recurring_run_id", recurring_run_id)["status"] = status
                return {}
            case "DELETE", [recurring_run_id]:
                self.recurring.remove(find(self.recurring, "recurring_run_id", recurring_run_id))
                if request.query.get("propagation_policy") != "ORPHAN":
                    self.killed += [
                        each["run_id"]
                        for each in self.runs
                        if each.get("recurring_run_id") == recurring_run_id and each["state"] in UNDER_WAY
                    ]
                return {}
        raise Refused(404, f"{request.method} {request.path}")

    def tick(self, recurring_run_id: str) -> dict | None:
        """What KFP's controller does when a recurring run is due: a run that is under way, unless it is disabled."""
        stated = find(self.recurring, "recurring_run_id", recurring_run_id)
        if stated["status"] != "ENABLED":
            return None
        run = {key: stated[key] for key in ("experiment_id", "pipeline_version_reference", "recurring_run_id")}
        return self._add(self.runs, "run", run | {"display_name": f"{stated['display_name']}abc-1", "state": "RUNNING"})

    def _run(self, run: dict) -> dict:
        run["state"] = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        details = [{"display_name": name, "state": state} for name, state in self.tasks.items()]
        return run | {"run_details": {"task_details": details}}

    def _of_experiment(self, things: list[dict], request: Request, what: str) -> list[dict]:
        """Of an experiment, whose namespace is theirs; without one of a namespace, which multi-user mode asks for."""
        if experiment_id := request.query.get("experiment_id"):
            return [each for each in things if each["experiment_id"] == experiment_id]
        self._needs(request.query.get("namespace"), "Failed to list: ", what)
        return things

    def _needs(self, namespace: str | None, begins: str, what: str) -> None:
        if self.multi_user and not namespace:
            raise Refused(400, f"{begins}Invalid input error: {what} cannot have an empty namespace in multi-user mode")

    def _needs_experiment(self, body: dict) -> None:
        if self.multi_user and not body.get("experiment_id"):
            raise Refused(400, "Invalid input error: Experiment id can not be empty in multi-user mode")

    def _needs_namespace(self, namespace: str | None) -> None:
        if self.multi_user and not namespace:
            raise Refused(400, "Namespace cannot be empty in multi-user mode")

    def _page(self, name: str, found: list[dict], request: Request) -> dict:
        for predicate in json.loads(request.query.get("filter", "{}")).get("predicates", []):
            assert predicate["key"] in ("display_name", "state")
            assert predicate["operation"] in ("EQUALS", "IN", 1)
            values = predicate["stringValues"]["values"] if predicate["operation"] == "IN" else [predicate["stringValue"]]
            found = [each for each in found if each[predicate["key"]] in values]
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
        if self.pipelines_in_kubernetes and not DNS_NAME.fullmatch(name):
            raise UploadFailed(500, "Failed to create a pipeline version")
        stated = {"display_name": name, "pipeline_id": pipeline_id, "package_url": {}, "code_source_url": ""}
        return self._add(self.versions, "pipeline_version", stated)

    def _add(self, things: list[dict], kind: str, stated: dict) -> dict:
        """Keeps a thing under a new id."""
        self.made += 1
        things.append(stated | {f"{kind}_id": f"{kind}-{self.made}", "created_at": "2026-07-01T03:00:00Z"})
        return things[-1]


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
    api.start()
    try:
        yield api
    finally:
        api.stop()


def handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            url = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {key: value for key, [value] in parse_qs(url.query).items()}
            path = url.path.removeprefix(ROOT)
            body = parsed(self.headers.get("Content-Type", ""), content)
            request = Request(self.command, path, query, body, self.headers.get("Authorization"))
            api.requests.append(request)
            begins = f"{self.command} {path}".startswith
            broken = next((answer for start, answer in api.broken.items() if begins(start)), None)
            broken = next((answers.pop(0) for start, answers in api.outages.items() if answers and begins(start)), broken)
            try:
                self.say(*(broken or (200, "application/json", json.dumps(api.answer(request)))))
            except Refused as refused:
                status, message = refused.args
                of_gateway = {"error": message, "code": 3, "message": message}
                said = {"error_message": message} if isinstance(refused, UploadFailed) else of_gateway
                self.say(status, "application/json", json.dumps(said))

        do_GET = do_POST = do_DELETE = do  # noqa: N815 (BaseHTTPRequestHandler's names)

        def say(self, status: int, content_type: str, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: Any) -> None:
            """Says nothing."""

    return Handler


def parsed(content_type: str, content: bytes) -> Any:
    """JSON, or the one file of a form."""
    if content_type.startswith("multipart/form-data"):
        form = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + content)
        [file] = [part for part in form.get_payload() if part.get_filename()]
        return file.get_payload(decode=True).decode()
    return json.loads(content) if content else None
