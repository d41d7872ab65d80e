"""TensorFlow Serving's REST API."""

import asyncio
import contextlib
import itertools
import json
import re
from typing import Any

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from serving.refused import HTTP, Refused, StatusCode, invalid
from serving.server import examples, grpc_services, rest_format
from serving.server.core import Core
from serving.server.servable import DEFAULT_SIGNATURE, Servable

PATH = re.compile(r"([^/:]+)(?:/versions/(\d{1,18})|/labels/([^/:]+))?(:predict|:classify|:regress|/metadata)?")


class TooLarge(Refused):
    """The body is over the limit: HTTP 413."""


class Rest:
    """The application: models, and metrics for Prometheus."""

    def __init__(self, core: Core, max_body: int, timeout: float):
        """Args:
        max_body: bytes of a request.
        timeout: seconds that a request may take.
        """
        self._core, self._max_body, self._timeout = core, max_body, timeout
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
            with self._core.admitted("REST", what[1:].capitalize(), name):
                body = await self._body(request)
                with self._core.versions.lease(name, version, label) as servable:
                    async with asyncio.timeout(self._timeout):
                        return answer(await getattr(self, f"_{what[1:]}")(servable, body))
        except TimeoutError:
            return failed(Refused(StatusCode.DEADLINE_EXCEEDED, f"No answer within {self._timeout:g} s."))
        except Refused as error:
            return failed(error)

    async def _body(self, request: Request) -> bytes:
        parts, size = [], 0
        with contextlib.suppress(ClientDisconnect):
            async for part in request.stream():
                size += len(part)
                if size > self._max_body:
                    raise TooLarge(StatusCode.RESOURCE_EXHAUSTED, f"The body is over {self._max_body} bytes.")
                parts.append(part)
        return b"".join(parts)

    async def _metadata(self, servable: Servable, body: bytes) -> Any:
        response = grpc_services.metadata(servable)
        content = json_format.MessageToDict(response, preserving_proto_field_name=True)
        del content["metadata"][grpc_services.SIGNATURES]["@type"]
        return content

    async def _predict(self, servable: Servable, body: bytes) -> Any:
        content = rest_format.parse(body)
        signature = servable.signature(content.get("signature_name", ""))
        answers = await self._core.score(servable, signature, rest_format.columns(content, signature))
        return rest_format.answers(answers, rest_format.ROWS in content)

    async def _classify(self, servable: Servable, body: bytes) -> Any:
        signature, rows = self._examples(body)
        return {"result": await examples.classify(self._core, servable, signature, rows)}

    async def _regress(self, servable: Servable, body: bytes) -> Any:
        signature, rows = self._examples(body)
        return {"result": await examples.regress(self._core, servable, signature, rows)}

    def _examples(self, body: bytes) -> tuple[str, list[bytes]]:
        content = rest_format.parse(body)
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
