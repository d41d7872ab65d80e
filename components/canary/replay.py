"""Send real rows to servers, one after the other, over gRPC as tf.Examples and over REST as raw values."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import grpc
import httpx
import numpy as np
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from components.canary.checks import Request
from components.canary.server import Server
from components.canary.verdict import Fault
from components.shared import network

OUTPUT = "probability"
PROTOCOLS = ("gRPC", "REST")
# Codes and statuses that blame the request or the model: no fault of a machine causes them.
OF_MODEL = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
)
TOO_MANY_REQUESTS, SERVER_ERRORS = 429, 500

Ask = Callable[[str, int, int], Request]  # protocol, row, number of the request


class Answered(ValueError):
    """The server answered with an error, over REST.

    Attributes:
        of_model: as for `Fault`.
    """

    def __init__(self, response: httpx.Response):
        super().__init__(f"HTTP {response.status_code}: {response.text[:300]}")
        self.of_model = response.status_code < SERVER_ERRORS and response.status_code != TOO_MANY_REQUESTS


@contextmanager
def asking(server: Server, serialized: Sequence[bytes], rows: Sequence[dict], seconds: float) -> Iterator[Ask]:
    """Yield a function that asks a server for a row. It raises Fault, naming the request, for no answer or for an error.

    Args:
        server: to ask.
        serialized: tf.Examples, for `serving_default`.
        rows: the same rows as raw values by feature, for `raw`.
        seconds: how long an answer may take.
    """
    channel = grpc.insecure_channel(server.grpc, network.grpc_options(server.grpc))
    with channel, network.web(f"http://{server.rest}", seconds) as web:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        def ask(protocol: str, row: int, number: int) -> Request:
            start = time.perf_counter()
            try:
                if protocol == "gRPC":
                    score = _over_grpc(stub, server.model, serialized[row], seconds)
                else:
                    score = _over_rest(web, server.model, rows[row])
            except (grpc.RpcError, httpx.HTTPError, ValueError, LookupError) as error:
                raise _fault(server, f"request {number} ({protocol}, evaluation row {row})", error, rows[row]) from error
            milliseconds = (time.perf_counter() - start) * 1e3
            return Request(
                number=number, protocol=protocol, row=row, score=score, milliseconds=milliseconds, memory=server.memory()[0]
            )

        yield ask


def _over_grpc(stub, model: str, example: bytes, seconds: float) -> float:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    tensor = request.inputs["examples"]
    tensor.dtype, tensor.string_val[:] = 7, [example]  # DT_STRING
    tensor.tensor_shape.dim.add(size=1)
    return stub.Predict(request, timeout=seconds).outputs[OUTPUT].float_val[0]


def _over_rest(web: httpx.Client, model: str, row: dict) -> float:
    body = json.dumps({"signature_name": "raw", "instances": [row]})
    response = web.post(f"/v1/models/{model}:predict", content=body)
    if response.is_error:
        raise Answered(response)
    (prediction,) = json.loads(response.text)["predictions"]
    return float(prediction)


def _fault(server: Server, request: str, error: Exception, row: dict) -> Fault:
    code = error.code() if isinstance(error, grpc.RpcError) else None
    said = f"{code.name}: {error.details()}" if code else f"{type(error).__name__}: {error}"  # type: ignore[attr-defined]
    found = server.fault(f"{request} got no answer ({said}); ")
    ended = server.process.poll() is not None
    of_model = not ended and (code in OF_MODEL if code else not isinstance(error, httpx.HTTPError))
    of_model = of_model and getattr(error, "of_model", True)
    return Fault(f"{found}. The row: {json.dumps(row)}", of_machine=found.of_machine, of_model=of_model)


def as_rows(columns: dict[str, np.ndarray]) -> list[dict]:
    """Convert columns of shape [rows] to one object for each row, for JSON."""
    texts = {name: np.char.decode(column.astype(bytes)) for name, column in columns.items() if column.dtype.kind == "O"}
    lists = {name: texts.get(name, column).tolist() for name, column in columns.items()}
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
