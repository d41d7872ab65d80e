"""TensorFlow Serving's REST API."""

import asyncio
import gc
import json
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import unquote

from google.protobuf import json_format
from google.protobuf.message import Message
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.refused import HTTP, Refused, StatusCode, invalid
from serving.server import grpc_services, rest_format
from serving.server.core import Core
from serving.server.http import TooLarge, unzipped
from serving.server.parameters import METRICS
from serving.server.servable import Signature, Tensors
from serving.server.versions import Wanted

T = TypeVar("T")
MODEL = r"/v1/models{name}(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
NAME = r"/(?P<name>[^/:]+)"
FLAGS = re.IGNORECASE | re.ASCII
CALL = re.compile(MODEL.format(name=NAME) + r":(?P<what>classify|regress|predict)", FLAGS)
QUESTION = re.compile(MODEL.format(name=f"(?:{NAME})?") + r"(?:/(?P<what>metadata))?", FLAGS)
CALLS = ("classify", "regress", "predict")  # in small letters only, though the rest of a path may have any
LATEST = 2**63 - 1  # the largest possible version
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
SMALL = 1 << 16  # bytes of a body that is always accepted: uvicorn buffers as many for each connection anyway
TOGETHER = 16  # bodies of the largest size that are held at a time
LARGE = 1 << 20  # bytes from which a body is read in a thread, so that the loop answers others meanwhile


class Rest:
    """The application: models, and metrics for Prometheus. Errors are answered with `{"error": ...}`."""

    def __init__(self, core: Core, max_body: int, timeout: float | None, *, metrics: str | None = METRICS, cors: bool = False):
        """`max_body` is in bytes, `timeout` in seconds from a request's header on; `metrics` is a path. None: no such thing.

        With `cors` a page of another origin may read the answers.
        """
        self._core, self._max_body, self._timeout, self._metrics = core, max_body, timeout, metrics
        self._headers = CORS if cors else {}
        self._held = 0  # bytes of bodies that arrive or wait for their answers
        self._reader = ThreadPoolExecutor(1, "reader")  # one thread: as Python objects a large body takes 20 times its size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI calls it."""
        request = Request(scope, receive)
        target = scope["raw_path"].decode("ascii") + (f"?{request.url.query}" if request.url.query else "")
        response = await self._answer(request, target)
        await response(scope, receive, send)

    async def _answer(self, request: Request, target: str) -> Response:
        path = target.partition("?")[0]
        if path == self._metrics:
            return self._prometheus(target)
        if not path.lower().startswith("/v1/"):
            return answer({"error": f"Not found: {path}. Expected a path that starts with /v1/models/."}, 404)
        deadline = None if self._timeout is None else asyncio.get_running_loop().time() + self._timeout
        try:
            async with self._body(request, deadline) as body:
                if request.method == "OPTIONS":  # a page of another origin asks whether it may
                    allowed = re.search("https?://", request.headers.get("origin", ""))
                    return Response(status_code=200 if allowed else 400, headers=self._headers)
                return answer(await self._process(request.method, target, body, deadline), headers=self._headers)
        except Refused as error:
            status = 413 if isinstance(error, TooLarge) else HTTP.get(error.code, 500)
            return answer({"error": str(error)}, status, self._headers)

    def _prometheus(self, target: str) -> Response:
        text, status = self._core.metrics.text(), 200
        if target != self._metrics:
            text, status = f"Unexpected path: {target}. Should be {self._metrics}".encode(), 400
        return Response(text, status, {"Content-Type": "text/plain"})

    async def _process(self, method: str, target: str, body: bytearray, deadline: float | None) -> Any:
        """Process a request and return the content of the answer. Raises Refused."""
        pattern = {"POST": CALL, "GET": QUESTION}.get(method)
        found = pattern.fullmatch(target) if pattern else None
        name, what = (unquote(found["name"] or ""), found["what"] or "") if found else ("", "")
        with self._core.counted(what if method == "POST" else "", "REST", name):
            if not found or (method == "POST" and what not in CALLS):
                raise invalid(f"Malformed request: {method} {target}")
            wanted = Wanted(name, number(found["version"]), unquote(found["label"] or ""))
            if method == "POST":
                with self._core.admitted():
                    async with self._until(deadline):
                        return await getattr(self, f"_{what}")(wanted, body)
            if not name:
                raise invalid("Missing model name in request.")
            return self._metadata(wanted) if what == "metadata" else as_json(self._core.versions.status(wanted))

    @asynccontextmanager
    async def _until(self, deadline: float | None) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(deadline):
                yield
        except TimeoutError as error:
            raise Refused(StatusCode.DEADLINE_EXCEEDED, f"No answer within {self._timeout:g} s.") from error

    @asynccontextmanager
    async def _body(self, request: Request, deadline: float | None) -> AsyncIterator[bytearray]:
        """Receive the body. Raises Refused when it is too large, alone or with all bodies held, or takes too long."""
        body, held = bytearray(), 0
        try:
            with suppress(ClientDisconnect):
                async with self._until(deadline):
                    async for part in request.stream():
                        body += part
                        held += self._hold(len(part), len(body))
            if "gzip" in request.headers.get("content-encoding", ""):
                body = unzipped(body, self._max_body)
                held += self._hold(len(body), len(body))
            yield body
        finally:
            self._held -= held

    def _hold(self, more: int, size: int) -> int:
        """Make room for more bytes of a body that has `size` so far, and return their number. Raises Refused."""
        room = TOGETHER * self._max_body
        if size > self._max_body:
            raise TooLarge(self._max_body)
        if self._held + more > room and size > SMALL:
            raise Refused(StatusCode.RESOURCE_EXHAUSTED, f"{room} bytes of bodies are held; try again later.")
        self._held += more
        return more

    async def _read(self, body: bytearray, read: Callable[[dict[str, Any]], T]) -> T:
        """Parse the body and apply `read` to its object. Raises Refused."""
        if len(body) < LARGE:
            return read(rest_format.parse(body))
        return await asyncio.get_running_loop().run_in_executor(self._reader, read_uncollected, body, read)

    def _metadata(self, wanted: Wanted) -> Any:
        with self._core.versions.lease(wanted) as servable:
            content = as_json(grpc_services.metadata(servable))
        del content["metadata"][grpc_services.SIGNATURES]["@type"]
        return content

    async def _predict(self, wanted: Wanted, body: bytearray) -> Any:
        def read(content: dict[str, Any]) -> tuple[Signature, Tensors, bool]:
            signature = servable.signature(content.get("signature_name", ""))
            return signature, rest_format.columns(content, signature, servable.hint), rest_format.ROWS in content

        try:
            with self._core.versions.lease(wanted) as servable:
                signature, columns, rows = await self._read(body, read)
                return rest_format.answers(await self._core.score(servable, signature, columns, "Predict"), rows)
        except Refused as error:
            if error.code is StatusCode.NOT_FOUND:
                await self._read(body, lambda _: None)  # a body that is no JSON is the first thing to report
            raise

    async def _classify(self, wanted: Wanted, body: bytearray) -> Any:
        return await self._of_examples(self._core.classify, wanted, body)

    async def _regress(self, wanted: Wanted, body: bytearray) -> Any:
        return await self._of_examples(self._core.regress, wanted, body)

    async def _of_examples(self, ask: Callable, wanted: Wanted, body: bytearray) -> Any:
        signature, rows = await self._read(body, rest_format.read_examples)
        with self._core.versions.lease(wanted) as servable:
            return {"results": await ask(servable, signature, rows)}


def read_uncollected(body: bytearray, read: Callable[[dict[str, Any]], T]) -> T:
    """Apply `read` without garbage collection, which would walk millions of new lists again and again, and halt all threads."""
    gc.disable()
    try:
        return read(rest_format.parse(body))
    except Refused as error:
        error.__context__ = None  # its frames hold the lists, which must be gone before the collector comes back
        raise error.with_traceback(None) from None
    finally:
        gc.enable()


def number(version: str | None) -> int | None:
    """Parse the version in a path. Raises Refused for one that no model can have."""
    if version and (len(version.lstrip("0")) > len(str(LATEST)) or int(version) > LATEST):
        raise invalid(f"Failed to convert version: {version} to numeric.")
    return int(version) if version else None


def as_json(message: Message) -> Any:
    """Convert a message as TensorFlow Serving does: with its fields' names, and with what has no value."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Make an answer in JSON with NaN in it, as TensorFlow Serving writes it."""
    return Response(json.dumps(content), status, headers, media_type="application/json")
