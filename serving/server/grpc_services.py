"""TensorFlow Serving's gRPC services."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import grpc
from google.protobuf.any_pb2 import Any
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
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
from serving.server.servable import DEFAULT_SIGNATURE, Servable, Signature
from serving.server.versions import Wanted

SIGNATURES = "signature_def"  # the only field of metadata that there is
SERVICES = ("", "ModelService", "PredictionService")  # health of any of these is the server's
LONGEST = 1024  # characters of a message, which travels in a header of bounded size
NOT_HERE = "{} is not implemented by the local server. TensorFlow Serving has it."


def where(spec: model_pb2.ModelSpec) -> Wanted:
    """Return the model, version or label that a request names. Raises Refused."""
    if not spec.name:
        raise invalid("ModelSpec has no name specified. Expected the name of a model.")
    return Wanted(spec.name, spec.version.value if spec.HasField("version") else None, spec.version_label)


@asynccontextmanager
async def answered(request, context) -> AsyncIterator[None]:
    """End the call with what was refused in it."""
    try:
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec. Expected model_spec with the name of a model.")
        yield
    except Refused as error:
        message = str(error)
        await context.abort(error.code, message if len(message) <= LONGEST else f"{message[:LONGEST]}...TRUNCATED")


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, GetModelMetadata."""

    def __init__(self, core: Core):
        self._core = core

    async def Predict(self, request, context) -> predict_pb2.PredictResponse:
        """Score tensors, one an input as the signature names it; answer one an output."""
        async with answered(request, context):
            with self._served(request, "Predict") as servable:
                signature = servable.signature(
                    request.model_spec.signature_name,
                    'Serving signature key "{}" not found',
                    grpc.StatusCode.FAILED_PRECONDITION,
                )
                wanted = outputs(signature, request.output_filter)
                columns = tensors.columns(request.inputs)
                if columns.keys() != signature.inputs.keys() and (hint := servable.hint(signature, columns.keys())):
                    raise invalid(f"{', '.join(sorted(columns))[:200]} are not inputs of {signature.name}.{hint}")
                answers = await self._core.score(servable, signature, columns, "Predict")
                return predict_pb2.PredictResponse(
                    model_spec=spec_of(servable, signature.name), outputs=tensors.protos(answers, wanted)
                )

    async def Classify(self, request, context) -> classification_pb2.ClassificationResponse:
        """Score tf.Examples; answer the classes of each with their scores."""
        async with answered(request, context):
            with self._served(request, "Classify") as servable:
                name = request.model_spec.signature_name or DEFAULT_SIGNATURE
                found = await examples.classify(self._core, servable, name, of_input(request.input))
                response = classification_pb2.ClassificationResponse(model_spec=spec_of(servable, name))
                for classes in found:
                    result = response.result.classifications.add()
                    for label, score in classes:
                        result.classes.add(label=label, score=score)
                return response

    async def Regress(self, request, context) -> regression_pb2.RegressionResponse:
        """Score tf.Examples; answer a number each."""
        async with answered(request, context):
            with self._served(request, "Regress") as servable:
                name = request.model_spec.signature_name or DEFAULT_SIGNATURE
                found = await examples.regress(self._core, servable, name, of_input(request.input))
                response = regression_pb2.RegressionResponse(model_spec=spec_of(servable, name))
                for value in found:
                    response.result.regressions.add(value=value)
                return response

    async def GetModelMetadata(self, request, context) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Return the signatures, as the SavedModel states them."""
        async with answered(request, context):
            if not request.metadata_field:
                raise invalid(f"GetModelMetadataRequest must specify at least one metadata_field: {SIGNATURES}.")
            if wrong := sorted(set(request.metadata_field) - {SIGNATURES}):
                raise invalid(f"Metadata field {wrong[0]} is not supported; expected {SIGNATURES}.")
            with self._core.versions.lease(where(request.model_spec)) as servable:
                return metadata(servable)

    async def MultiInference(self, request, context):
        """Refuse: TensorFlow Serving has it."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, NOT_HERE.format("MultiInference"))

    @contextmanager
    def _served(self, request, api: str) -> Iterator[Servable]:
        """Yield the version that a request asks for; it stays loaded until the answer. Raises Refused."""
        spec = request.model_spec
        counted, admitted = self._core.counted(api, "GRPC", spec.name), self._core.admitted()
        with counted, admitted, self._core.versions.lease(where(spec)) as servable:
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


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus."""

    def __init__(self, core: Core):
        self._core = core

    async def GetModelStatus(self, request, context) -> get_model_status_pb2.GetModelStatusResponse:
        """Return the state of one version, or of all."""
        async with answered(request, context):
            spec = request.model_spec
            version = spec.version.value if spec.HasField("version") else None
            return self._core.versions.status(Wanted(spec.name, version))

    async def HandleReloadConfigRequest(self, request, context):
        """Refuse: the configuration is followed from its file."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, NOT_HERE.format("HandleReloadConfigRequest"))


class Health(health_pb2_grpc.HealthServicer):
    """grpc.health.v1: SERVING while every model has a version that answers.

    TensorFlow Serving has it with --enable_grpc_healthcheck_service, for itself and its two services, and always SERVING.
    """

    def __init__(self, core: Core):
        self._core = core

    async def Check(self, request, context) -> health_pb2.HealthCheckResponse:
        """Return the health of the server, or of one model by its name."""
        model = self._core.versions.models.get(request.service)
        if request.service not in SERVICES and model is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"unknown service {request.service}")
        serving = model.available() if model else self._core.versions.ready()
        status = health_pb2.HealthCheckResponse
        return status(status=status.SERVING if serving else status.NOT_SERVING)


def spec_of(servable, signature: str = "") -> model_pb2.ModelSpec:
    """Return which model and version answered."""
    spec = model_pb2.ModelSpec(name=servable.model, signature_name=signature)
    spec.version.value = servable.version
    return spec


def of_input(given: input_pb2.Input) -> list[bytes]:
    """Return the serialized tf.Examples of a request for classes or numbers. Raises Refused."""
    if given.WhichOneof("kind") == "example_list_with_context":
        listed = given.example_list_with_context
        return [merged(listed.context, example) for example in listed.examples]
    return [example.SerializeToString() for example in given.example_list.examples]


def merged(context, example) -> bytes:
    """Add the features that all examples share to one; its own come first."""
    result = type(example)()
    result.CopyFrom(context)
    for name, feature in example.features.feature.items():
        result.features.feature[name].CopyFrom(feature)
    return result.SerializeToString()


def metadata(servable) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Return a version's signatures."""
    response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=spec_of(servable))
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in servable.definitions.items():
        signatures.signature_def[name].CopyFrom(definition)
    packed = Any()
    packed.Pack(signatures)
    response.metadata[SIGNATURES].CopyFrom(packed)
    return response


def add(core: Core, server: grpc.aio.Server) -> None:
    """Register all services."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(core), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(core), server)
    health_pb2_grpc.add_HealthServicer_to_server(Health(core), server)


def server(core: Core, options: Iterable[tuple[str, int]]) -> grpc.aio.Server:
    """Return a server with all services, not bound yet."""
    result = grpc.aio.server(options=list(options))
    add(core, result)
    return result
