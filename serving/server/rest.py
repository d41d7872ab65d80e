"""TensorFlow Serving's REST API."""

import asyncio
import gc
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from serving.refused import HTTP, Refused, StatusCode, invalid
from serving.server import examples, grpc_services, rest_format
from serving.server.core import Core
from serving.server.servable import DEFAULT_SIGNATURE, Columns, Servable, Signature

T = TypeVar("T")
PATH = re.compile(r"([^/:]+)(?:/versions/(\d{1,18})|/labels/([^/:]+))?(:predict|:classify|:regress|/metadata)?")
SMALL = 1 << 16  # bytes of a body that always has room: uvicorn holds as many of each connection anyway
TOGETHER = 16  # bodies of the largest size that there is room for
LARGE = 1 << 20  # bytes of a body that is read in a thread, so that the loop answers others meanwhile


class TooLarge(Refused):
    """The body is over the limit: HTTP 413."""


class Rest:
    """The application: models, and metrics for Prometheus."""

    def __init__(self, core: Core, max_body: int, timeout: float):
        """Args:
        max_body: bytes of a request.
        timeout: seconds that a request may take, from its header on.
        """
        self._core, self._max_body, self._timeout = core, max_body, timeout
        self._held = 0  # bytes of bodies that arrive or wait for their answers
        self._reader = ThreadPoolExecutor(1, "reader")  # one: a large body as Python's objects takes 20 times its size
        self.app = Starlette(
            routes=[
                Route("/v1/models/{rest:path}", self.models, methods=["GET", "POST"]),
                Route("/monitoring/prometheus/metrics", self.prometheus),
            ],
            exception_handlers={404: self.unknown, 405: self.unknown},
        )

    async def prometheus(self, request: Request) -> Response:
        """Metrics as text."""
        return Response(self._core.metrics.text(), media_type="text/plain; version=0.0.4")

    async def unknown(self, request: Request, error: Exception) -> Response:
        """A path or a method that there is not."""
        return failed(malformed(request))

    async def models(self, request: Request) -> Response:
        """Status, metadata, or an answer. What goes wrong is `{"error": ...}`."""
        try:
            found = PATH.fullmatch(request.path_params["rest"])
            if not found or (request.method == "POST") != bool(found[4] and found[4][0] == ":"):
                raise malformed(request)
            name, version, label, what = found[1], int(found[2]) if found[2] else None, found[3] or "", found[4]
            if what is None:
                return answer(
                    json_format.MessageToDict(
                        self._core.versions.status(name, version, label),
                        preserving_proto_field_name=True,
                        always_print_fields_with_no_presence=True,
                    )
                )
            async with asyncio.timeout(self._timeout), self._body(request) as body:
                # In flight only now: who sends a header and no body takes nobody's place.
                admitted = self._core.admitted("REST", what[1:].capitalize(), name)
                with admitted, self._core.versions.lease(name, version, label) as servable:
                    return answer(await getattr(self, f"_{what[1:]}")(servable, body))
        except TimeoutError:
            return failed(Refused(StatusCode.DEADLINE_EXCEEDED, f"No answer within {self._timeout:g} s."))
        except Refused as error:
            return failed(error)

    @asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[bytearray]:
        """What the client sends. Raises Refused when that is too much, alone or with all that is held."""
        body, room = bytearray(), TOGETHER * self._max_body
        try:
            with suppress(ClientDisconnect):
                async for part in request.stream():
                    body += part
                    self._held += len(part)
                    if len(body) > self._max_body:
                        raise TooLarge(StatusCode.RESOURCE_EXHAUSTED, f"The body is over {self._max_body} bytes.")
                    if self._held > room and len(body) > SMALL:
                        raise Refused(StatusCode.RESOURCE_EXHAUSTED, f"{room} bytes of bodies are held; try again later.")
            yield body
        finally:
            self._held -= len(body)

    async def _read(self, body: bytearray, read: Callable[[dict[str, Any]], T]) -> T:
        """`read` of the request's object. Raises Refused."""
        if len(body) < LARGE:
            return read(rest_format.parse(body))
        return await asyncio.get_running_loop().run_in_executor(self._reader, read_uncollected, body, read)

    async def _metadata(self, servable: Servable, body: bytearray) -> Any:
        response = grpc_services.metadata(servable)
        content = json_format.MessageToDict(response, preserving_proto_field_name=True)
        del content["metadata"][grpc_services.SIGNATURES]["@type"]
        return content

    async def _predict(self, servable: Servable, body: bytearray) -> Any:
        def read(content: dict[str, Any]) -> tuple[Signature, Columns, bool]:
            signature = servable.signature(content.get("signature_name", ""))
            return signature, rest_format.columns(content, signature), rest_format.ROWS in content

        signature, columns, rows = await self._read(body, read)
        return rest_format.answers(await self._core.score(servable, signature, columns), rows)

    async def _classify(self, servable: Servable, body: bytearray) -> Any:
        signature, rows = await self._read(body, read_examples)
        return {"result": await examples.classify(self._core, servable, signature, rows)}

    async def _regress(self, servable: Servable, body: bytearray) -> Any:
        signature, rows = await self._read(body, read_examples)
        return {"result": await examples.regress(self._core, servable, signature, rows)}


def read_uncollected(body: bytearray, read: Callable[[dict[str, Any]], T]) -> T:
    """`read` without garbage collection: it would go through millions of new lists again and again, and halt all threads."""
    gc.disable()
    try:
        return read(rest_format.parse(body))
    except Refused as error:
        error.__context__ = None  # its frames hold the lists; they go before the collector comes back
        raise error.with_traceback(None) from None
    finally:
        gc.enable()


def read_examples(content: dict[str, Any]) -> tuple[str, list[bytes]]:
    """The signature's name and the serialized tf.Examples of a request for classes or numbers. Raises Refused."""
    listed, context = content.get("examples"), content.get("context", {})
    if not isinstance(listed, list) or not isinstance(context, dict):
        raise invalid("Expected examples, a list of objects, and context, an object, if there is one.")
    rows = [context | row if isinstance(row, dict) else row for row in listed]
    return content.get("signature_name") or DEFAULT_SIGNATURE, list(map(rest_format.example, itertools.count(), rows))


def malformed(request: Request) -> Refused:
    """The request asks for what there is not."""
    return invalid(f"Malformed request: {request.method} {request.url.path}")


def answer(content: Any, status: int = 200) -> Response:
    """JSON, in which NaN is NaN, as TensorFlow Serving writes it."""
    return Response(json.dumps(content), status, media_type="application/json")


def failed(error: Refused) -> Response:
    """TensorFlow Serving's form of an error."""
    return answer({"error": str(error)}, 413 if isinstance(error, TooLarge) else HTTP.get(error.code, 500))
