"""TFX's InfraValidator refuses a model for anything that goes wrong, as a missing Docker; this one tells them apart."""

from tfx.components.infra_validator import component, error_types, executor
from tfx.dsl.components.base import executor_spec

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
