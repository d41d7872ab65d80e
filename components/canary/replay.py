"""Sends real rows to a server, one after the other, over gRPC as tf.Examples and over REST as raw values."""

import json
import time
from collections.abc import Callable, Iterator, Sequence

import grpc
import httpx
import numpy as np
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from components import network
from components.canary.checks import Failure, Request
from components.canary.server import Server

OUTPUT = "probability"


def replay(server: Server, serialized: Sequence[bytes], rows: Sequence[dict], seconds: float) -> Iterator[Request]:
    """Each row over both protocols.

    Args:
        server: to ask.
        serialized: tf.Examples, for `serving_default`.
        rows: the same rows as raw values by feature, for `raw`.
        seconds: that an answer may take.

    Raises:
        Failure: no answer, or an error instead of one; it names the request.
    """
    channel = grpc.insecure_channel(server.grpc, network.grpc_options(server.grpc))
    with channel, network.web(f"http://{server.rest}", seconds) as web:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        asks: dict[str, Callable[[int], float]] = {
            "gRPC": lambda row: _over_grpc(stub, server.model, serialized[row], seconds),
            "REST": lambda row: _over_rest(web, server.model, rows[row]),
        }
        number = 0
        for row in range(len(rows)):
            for protocol, ask in asks.items():
                number += 1
                start = time.perf_counter()
                try:
                    score = ask(row)
                except (grpc.RpcError, httpx.HTTPError, ValueError, LookupError) as error:
                    name = f"request {number} ({protocol}, evaluation row {row})"
                    raise Failure(_explain(server, name, error, rows[row])) from error
                milliseconds = (time.perf_counter() - start) * 1e3
                yield Request(
                    number=number, protocol=protocol, row=row, score=score, milliseconds=milliseconds, memory=server.memory()[0]
                )


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
        raise ValueError(f"HTTP {response.status_code}: {response.text[:300]}")
    (prediction,) = json.loads(response.text)["predictions"]
    return float(prediction)


def _explain(server: Server, request: str, error: Exception, row: dict) -> str:
    code = error.code().name if isinstance(error, grpc.RpcError) else ""
    said = f"{code}: {error.details()}" if code else f"{type(error).__name__}: {error}"  # type: ignore[attr-defined]
    return f"{request} got no answer ({said}); {server.death()}. The row: {json.dumps(row)}"


def as_rows(columns: dict[str, np.ndarray]) -> list[dict]:
    """Columns of shape [rows] as one object a row, for JSON."""
    texts = {name: np.char.decode(column.astype(bytes)) for name, column in columns.items() if column.dtype.kind == "O"}
    lists = {name: texts.get(name, column).tolist() for name, column in columns.items()}
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
