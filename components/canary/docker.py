"""TFX's InfraValidator refuses a model for anything that goes wrong, as a missing Docker; this one tells them apart."""

from google.protobuf.json_format import ParseDict
from tfx.components.infra_validator import component, error_types, executor
from tfx.dsl.components.base import executor_spec
from tfx.proto import infra_validator_pb2
from tfx.types.channel import BaseChannel

from components.shared.errors import Undecided


class Executor(executor.Executor):
    """Fails where no try has shown a fault of the model: a refusal would be cached as if it were the model's."""

    _errors: list[Exception]

    def _ValidateWithRetry(self, *arguments, **options) -> bool:
        self._errors = []
        passed = super()._ValidateWithRetry(*arguments, **options)
        if passed or any(isinstance(error, error_types.ValidationFailed) for error in self._errors):
            return passed
        last = self._errors[-1]
        raise Undecided(
            f"InfraValidator could not see whether a server runs the candidate, in {len(self._errors)} tries: "
            f"{type(last).__name__}: {last}. Nothing is said of the model, nothing was published, and the span stays due: "
            "look whether Docker runs and has the image (canary.image), or set canary.load_seconds higher."
        ) from last

    def _ValidateOnce(self, *arguments, **options) -> None:
        try:
            super()._ValidateOnce(*arguments, **options)
        except Exception as error:
            self._errors.append(error)
            raise


class InfraValidator(component.InfraValidator):
    """TFX's InfraValidator, which judges models only."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def in_docker(
    *, model: BaseChannel, examples: BaseChannel, image: str, model_name: str, rows: int, load_seconds: float
) -> InfraValidator:
    """Make the node that tries a model in TensorFlow Serving's own image, such as tensorflow/serving:2.19.1."""
    name, _, tag = image.partition(":")
    serving = {"tensorflow_serving": {"image_name": name, "tags": [tag]}, "model_name": model_name, "local_docker": {}}
    signatures = {"signature_names": ["serving_default"]}
    requests = {"tensorflow_serving": signatures, "num_examples": rows, "split_name": "eval"}
    return InfraValidator(
        model=model,
        examples=examples,
        serving_spec=ParseDict(serving, infra_validator_pb2.ServingSpec()),
        request_spec=ParseDict(requests, infra_validator_pb2.RequestSpec()),
        validation_spec=infra_validator_pb2.ValidationSpec(max_loading_time_seconds=int(load_seconds)),
    )
