"""TensorFlow Serving's gRPC services."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.refused import Refused, invalid
from serving.server import tensors
from serving.server.core import Core
from serving.server.servable import DEFAULT_SIGNATURE, Servable, Signature
from serving.server.versions import Wanted

SIGNATURES = "signature_def"  # the only field of metadata that there is
SERVICES = ("", "ModelService", "PredictionService")  # health of any of these is the server's
LONGEST = 1024  # characters of a message, which travels in a header of bounded size


def not_here(name: str):
    """Make a method that TensorFlow Serving has and this server refuses."""

    async def method(_self, _request, context):
        message = f"{name} is not implemented by the local server. TensorFlow Serving has it."
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, message)

    return method


@asynccontextmanager
async def answered(request, context) -> AsyncIterator[Wanted]:
    """Yield what a request asks for, and end the call with what was refused in it."""
    try:
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec. Expected model_spec with the name of a model.")
        spec = request.model_spec
        yield Wanted(spec.name, spec.version.value if spec.HasField("version") else None, spec.version_label)
    except Refused as error:
        message = str(error)
        await context.abort(error.code, message if len(message) <= LONGEST else f"{message[:LONGEST]}...TRUNCATED")


class Services(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
    health_pb2_grpc.HealthServicer,
):
    """PredictionService, ModelService, and health: SERVING while every model has a version that answers.

    TensorFlow Serving has it with --enable_grpc_healthcheck_service, for itself and its two services, and always SERVING.
    """

    def __init__(self, core: Core):
        self._core = core

    async def Predict(self, request, context) -> predict_pb2.PredictResponse:
        """Score tensors, one an input as the signature names it; answer one an output."""
        async with self._served(request, context, "Predict") as servable:
            missing = 'Serving signature key "{}" not found'
            signature = servable.signature(request.model_spec.signature_name, missing, grpc.StatusCode.FAILED_PRECONDITION)
            wanted = outputs(signature, request.output_filter)
            columns = {name: tensors.array(name, proto) for name, proto in request.inputs.items()}
            if columns.keys() != signature.inputs.keys() and (hint := servable.hint(signature, columns.keys())):
                raise invalid(f"{', '.join(sorted(columns))[:200]} are not inputs of {signature.name}.{hint}")
            answers = await self._core.score(servable, signature, columns, "Predict")
            found = {name: tensors.proto(answers[name]) for name in wanted}
            return predict_pb2.PredictResponse(model_spec=spec_of(servable, signature.name), outputs=found)

    async def Classify(self, request, context) -> classification_pb2.ClassificationResponse:
        """Score tf.Examples; answer the classes of each with their scores."""
        async with self._served(request, context, "Classify") as servable:
            name = request.model_spec.signature_name or DEFAULT_SIGNATURE
            response = classification_pb2.ClassificationResponse(model_spec=spec_of(servable, name))
            for classes in await self._core.classify(servable, name, examples(request)):
                result = response.result.classifications.add()
                for label, score in classes:
                    result.classes.add(label=label, score=score)
            return response

    async def Regress(self, request, context) -> regression_pb2.RegressionResponse:
        """Score tf.Examples; answer a number each."""
        async with self._served(request, context, "Regress") as servable:
            name = request.model_spec.signature_name or DEFAULT_SIGNATURE
            response = regression_pb2.RegressionResponse(model_spec=spec_of(servable, name))
            for value in await self._core.regress(servable, name, examples(request)):
                response.result.regressions.add(value=value)
            return response

    async def GetModelMetadata(self, request, context) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Return the signatures, as the SavedModel states them."""
        async with answered(request, context) as wanted:
            if not request.metadata_field:
                raise invalid(f"GetModelMetadataRequest must specify at least one metadata_field: {SIGNATURES}.")
            if wrong := sorted(set(request.metadata_field) - {SIGNATURES}):
                raise invalid(f"Metadata field {wrong[0]} is not supported; expected {SIGNATURES}.")
            with self._core.versions.lease(wanted) as servable:
                return metadata(servable)

    async def GetModelStatus(self, request, context) -> get_model_status_pb2.GetModelStatusResponse:
        """Return the state of one version, or of all."""
        async with answered(request, context) as wanted:
            return self._core.versions.status(wanted)

    async def Check(self, request, context) -> health_pb2.HealthCheckResponse:
        """Return the health of the server, or of one model by its name."""
        model = self._core.versions.models.get(request.service)
        if request.service not in SERVICES and model is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"unknown service {request.service}")
        serving = model.available() if model else self._core.versions.ready()
        status = health_pb2.HealthCheckResponse
        return status(status=status.SERVING if serving else status.NOT_SERVING)

    MultiInference = not_here("MultiInference")
    HandleReloadConfigRequest = not_here("HandleReloadConfigRequest")  # the configuration is followed from its file

    @asynccontextmanager
    async def _served(self, request, context, api: str) -> AsyncIterator[Servable]:
        """Yield the version that a request asks for; it stays loaded until the answer."""
        async with answered(request, context) as wanted:
            counted, admitted = self._core.counted(api, "GRPC", wanted.model), self._core.admitted()
            with counted, admitted, self._core.versions.lease(wanted) as servable:
                yield servable


def outputs(signature: Signature, names: Sequence[str]) -> list[str]:
    """Return the outputs that a request asks for; all, if it says nothing. Raises Refused."""
    if unknown := sorted(set(names) - signature.outputs.keys()):
        raise invalid(
            f"output tensor alias not found in signature: {unknown[0]} Outputs expected to be in the set "
            f"{{{','.join(sorted(signature.outputs))}}}."
        )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise invalid(f"duplicate output tensor alias: {twice[0]}")
    return list(names) or list(signature.outputs)


def spec_of(servable: Servable, signature: str = "") -> model_pb2.ModelSpec:
    """Return which model and version answered."""
    spec = model_pb2.ModelSpec(name=servable.model, signature_name=signature)
    spec.version.value = servable.version
    return spec


def examples(request) -> list[bytes]:
    """Return the serialized tf.Examples of a request for classes or numbers, with the features that all of them share."""
    if request.input.WhichOneof("kind") != "example_list_with_context":
        return [example.SerializeToString() for example in request.input.example_list.examples]
    found = []
    for own in request.input.example_list_with_context.examples:
        example = type(own)()
        example.CopyFrom(request.input.example_list_with_context.context)
        example.MergeFrom(own)  # of two features of one name, the example's own stays
        found.append(example.SerializeToString())
    return found


def metadata(servable: Servable) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Return a version's signatures."""
    response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=spec_of(servable))
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in servable.definitions.items():
        signatures.signature_def[name].CopyFrom(definition)
    response.metadata[SIGNATURES].Pack(signatures)
    return response


def server(core: Core, options: Iterable[tuple[str, int]]) -> grpc.aio.Server:
    """Return a server with all services, not bound yet."""
    result = grpc.aio.server(options=list(options))
    services = Services(core)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(services, result)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, result)
    health_pb2_grpc.add_HealthServicer_to_server(services, result)
    return result
