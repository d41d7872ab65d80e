"""The client over gRPC. Its messages are TensorFlow's, which costs an import of 3 s."""

from typing import Any
from urllib.parse import urlsplit

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2, predict_pb2

from components.shared import answers, network
from serving.client import CLASSIFY, RAW, Client, RawSignature, Target
from serving.refused import Refused

UNREACHED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class GrpcClient(Client):
    """Over protobuf."""

    def __init__(self, target: Target):
        super().__init__(target)
        address = urlsplit(target.url).netloc
        self._channel = grpc.insecure_channel(address, network.grpc_options(address))

    def _predict(self, given: dict[str, np.ndarray], output: str, signature: str = RAW) -> np.ndarray:
        request = predict_pb2.PredictRequest(model_spec=self._spec(signature), output_filter=[output])
        for name, column in given.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(column))
        response = self._ask("PredictionService/Predict", request, predict_pb2.PredictResponse)
        return tf.make_ndarray(response.outputs[output])

    def _ask_classes(self) -> list[str]:
        [names] = self._predict({"inputs": np.array([b""], object)}, "classes", CLASSIFY)  # of an example without values
        return [name.decode() for name in names]

    def _ask_signature(self) -> RawSignature:
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=self._spec(), metadata_field=["signature_def"])
        response = self._ask("PredictionService/GetModelMetadata", request, get_model_metadata_pb2.GetModelMetadataResponse)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        raw = signatures.signature_def[RAW]
        inputs = {name: types_pb2.DataType.Name(tensor.dtype) for name, tensor in raw.inputs.items()}
        try:
            return RawSignature(inputs, answers.only({name: name for name in raw.outputs}))
        except LookupError as error:
            message = f"The signature {RAW} is not as expected: {error}. Expected a model of this pipeline."
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, message) from error

    def _states(self) -> dict[int, str]:
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=self._spec())
        response = self._ask("ModelService/GetModelStatus", request, get_model_status_pb2.GetModelStatusResponse)
        name = get_model_status_pb2.ModelVersionStatus.State.Name
        return {status.version: name(status.state) for status in response.model_version_status}

    def _spec(self, signature: str = "") -> Any:
        spec = model_pb2.ModelSpec(name=self.target.model, signature_name=signature, version_label=self.target.label)
        if self.target.version is not None:
            spec.version.value = self.target.version
        return spec

    def _ask(self, method: str, request: Any, response: Any) -> Any:
        call = self._channel.unary_unary(f"/tensorflow.serving.{method}", type(request).SerializeToString, response.FromString)
        try:
            return call(request, timeout=self.target.seconds)
        except grpc.RpcError as error:
            between = network.via(self.target.url) if error.code() in UNREACHED else ""
            raise Refused(error.code(), f"{error.details()}{f' ({between.strip()})' if between else ''}") from error

    def close(self) -> None:
        self._channel.close()
