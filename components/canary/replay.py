"""Send real rows to servers, one after the other, over gRPC as tf.Examples and over REST as raw values."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import grpc
import httpx
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from components.canary.checks import Fault, Request
from components.canary.server import Server
from components.shared import answers, network

PROTOCOLS = ("gRPC", "REST")
OF_MODEL = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
)

Ask = Callable[[str, int, int], Request]  # protocol, row, number of the request


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
            return Request(number, protocol, row, score, milliseconds, *server.memory())

        yield ask


def _over_grpc(stub, model: str, example: bytes, seconds: float) -> np.ndarray:
    request = predict_pb2.PredictRequest(model_spec={"name": model}, inputs={"examples": tf.make_tensor_proto([example])})
    return tf.make_ndarray(answers.only(stub.Predict(request, timeout=seconds).outputs))[0]


def _over_rest(web: httpx.Client, model: str, row: dict) -> np.ndarray:
    response = web.post(f"/v1/models/{model}:predict", content=json.dumps({"signature_name": "raw", "instances": [row]}))
    if response.is_error:
        said = f"HTTP {response.status_code}: {response.text[:300]}"
        raise httpx.HTTPStatusError(said, request=response.request, response=response)
    (prediction,) = json.loads(response.text)["predictions"]
    return np.asarray(prediction, "float32")


def _fault(server: Server, request: str, error: Exception, row: dict) -> Fault:
    is_rpc = isinstance(error, grpc.RpcError)
    said = f"{error.code().name}: {error.details()}" if is_rpc else f"{type(error).__name__}: {error}"  # type: ignore[attr-defined]
    found = server.fault(f"{request} got no answer ({said}); ")
    alive = server.process.poll() is None
    return Fault(f"{found}. The row: {json.dumps(row)}", of_machine=found.of_machine, of_model=alive and _blames_request(error))


def _blames_request(error: Exception) -> bool:
    """Tell whether an answer blames the request or the model, which no fault of a machine does."""
    if isinstance(error, grpc.RpcError):
        return error.code() in OF_MODEL
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_client_error and error.response.status_code != httpx.codes.TOO_MANY_REQUESTS
    return not isinstance(error, httpx.HTTPError)
