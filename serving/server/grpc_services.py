"""TensorFlow Serving's gRPC services."""

from collections.abc import Iterable

import grpc
from google.protobuf.any_pb2 import Any
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    input_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.refused import Refused, invalid
from serving.server import examples, tensors
from serving.server.core import Core
from serving.server.servable import DEFAULT_SIGNATURE

SIGNATURES = "signature_def"  # the only field of metadata that there is


def where(spec: model_pb2.ModelSpec) -> tuple[str, int | None, str]:
    """Model, version and label that a request names. Raises Refused."""
    if not spec.name:
        raise invalid("Missing ModelSpec: model_spec.name is empty; expected the name of a model.")
    return spec.name, spec.version.value if spec.HasField("version") else None, spec.version_label


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, GetModelMetadata. MultiInference is left unimplemented."""

    def __init__(self, core: Core):
        self._core = core

    async def Predict(self, request, context) -> predict_pb2.PredictResponse:
        """A tensor an input, as the signature names them -> a tensor an output."""
        try:
            where(request.model_spec)  # before it counts: the overload probe ends here
            with self._core.admitted("GRPC", "Predict", request.model_spec.name), self._lease(request) as servable:
                signature = servable.signature(request.model_spec.signature_name)
                wanted = list(request.output_filter) or list(signature.outputs)
                if unknown := sorted(set(wanted) - set(signature.outputs)):
                    raise invalid(f"output tensor alias not found in signature: {', '.join(unknown)}.")
                answers = await self._core.score(servable, signature, tensors.columns(request.inputs))
                return predict_pb2.PredictResponse(
                    model_spec=spec_of(servable, signature.name), outputs=tensors.protos(answers, wanted)
                )
        except Refused as error:
            await context.abort(error.code, str(error))

    async def Classify(self, request, context) -> classification_pb2.ClassificationResponse:
        """tf.Examples -> classes with their scores."""
        try:
            with self._core.admitted("GRPC", "Classify", request.model_spec.name), self._lease(request) as servable:
                name = request.model_spec.signature_name or DEFAULT_SIGNATURE
                found = await examples.classify(self._core, servable, name, of_input(request.input))
                response = classification_pb2.ClassificationResponse(model_spec=spec_of(servable, name))
                for classes in found:
                    result = response.result.classifications.add()
                    for label, score in classes:
                        result.classes.add(label=label, score=score)
                return response
        except Refused as error:
            await context.abort(error.code, str(error))

    async def Regress(self, request, context) -> regression_pb2.RegressionResponse:
        """tf.Examples -> a number each."""
        try:
            with self._core.admitted("GRPC", "Regress", request.model_spec.name), self._lease(request) as servable:
                name = request.model_spec.signature_name or DEFAULT_SIGNATURE
                found = await examples.regress(self._core, servable, name, of_input(request.input))
                response = regression_pb2.RegressionResponse(model_spec=spec_of(servable, name))
                for value in found:
                    response.result.regressions.add(value=value)
                return response
        except Refused as error:
            await context.abort(error.code, str(error))

    async def GetModelMetadata(self, request, context) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures, as the SavedModel states them."""
        try:
            if wrong := sorted(set(request.metadata_field) - {SIGNATURES}) or not request.metadata_field:
                raise invalid(f"metadata_field is {wrong if wrong is not True else []}; expected {SIGNATURES}.")
            with self._core.admitted("GRPC", "GetModelMetadata", request.model_spec.name), self._lease(request) as servable:
                return metadata(servable)
        except Refused as error:
            await context.abort(error.code, str(error))

    def _lease(self, request):
        return self._core.versions.lease(*where(request.model_spec))


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus. The configuration is followed from its file: HandleReloadConfigRequest is left unimplemented."""

    def __init__(self, core: Core):
        self._core = core

    async def GetModelStatus(self, request, context):
        """The state of one version, or of all."""
        try:
            return self._core.versions.status(*where(request.model_spec))
        except Refused as error:
            await context.abort(error.code, str(error))


class Health(health_pb2_grpc.HealthServicer):
    """grpc.health.v1: SERVING while every model has a version that answers. TensorFlow Serving does not have it."""

    def __init__(self, core: Core):
        self._core = core

    async def Check(self, request, context) -> health_pb2.HealthCheckResponse:
        """Of the server ("") or of one model by its name."""
        model = self._core.versions.models.get(request.service)
        if request.service and model is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"unknown service {request.service}")
        serving = model.available() if model else self._core.versions.ready()
        status = health_pb2.HealthCheckResponse
        return status(status=status.SERVING if serving else status.NOT_SERVING)


def spec_of(servable, signature: str = "") -> model_pb2.ModelSpec:
    """Who answered."""
    spec = model_pb2.ModelSpec(name=servable.model, signature_name=signature)
    spec.version.value = servable.version
    return spec


def of_input(given: input_pb2.Input) -> list[bytes]:
    """The serialized tf.Examples of a request for classes or numbers. Raises Refused."""
    if given.WhichOneof("kind") == "example_list_with_context":
        listed = given.example_list_with_context
        return [merged(listed.context, example) for example in listed.examples]
    return [example.SerializeToString() for example in given.example_list.examples]


def merged(context, example) -> bytes:
    """An example with the features that all share; its own come first."""
    result = type(example)()
    result.CopyFrom(context)
    for name, feature in example.features.feature.items():
        result.features.feature[name].CopyFrom(feature)
    return result.SerializeToString()


def metadata(servable) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """A version's signatures."""
    response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=spec_of(servable))
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in servable.definitions.items():
        signatures.signature_def[name].CopyFrom(definition)
    packed = Any()
    packed.Pack(signatures)
    response.metadata[SIGNATURES].CopyFrom(packed)
    return response


def add(core: Core, server: grpc.aio.Server) -> None:
    """Registers all services."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(core), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(core), server)
    health_pb2_grpc.add_HealthServicer_to_server(Health(core), server)


def server(core: Core, options: Iterable[tuple[str, int]]) -> grpc.aio.Server:
    """A server with all services, not bound yet."""
    result = grpc.aio.server(options=list(options))
    add(core, result)
    return result
