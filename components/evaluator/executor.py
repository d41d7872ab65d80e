"""Evaluator's work: TFX's, without a baseline that does not exist, and without a blessing for what has no value."""

from tfx.components.evaluator import constants, executor
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils

from components.shared import tfma_results
from components.shared.artifacts import VERSION_PROPERTY


class Executor(executor.Executor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Evaluate and bless. See `Evaluator`."""
        # Without a baseline TFMA ignores the change thresholds.
        baseline = [each for each in input_dict.get("baseline_model", []) if each.get_int_custom_property(VERSION_PROPERTY)]
        self.evaluate({**input_dict, "baseline_model": baseline}, output_dict, exec_properties)
        withdraw_if_unmeasured(output_dict)

    def evaluate(self, inputs: dict[str, list[Artifact]], outputs: dict[str, list[Artifact]], exec_properties: dict) -> None:
        """Write the evaluation and the blessing, as TFX does. A subclass may reach the same result in another way.

        The keys are TFX's; there is no `baseline_model` where nothing is in production.
        """
        super().Do(inputs, outputs, exec_properties)


def withdraw_if_unmeasured(output_dict: dict[str, list[Artifact]]) -> None:
    """Take a blessing back if `tfma_results.unmeasured` names anything: thresholds look at the AUC alone."""
    blessing = artifact_utils.get_single_instance(output_dict["blessing"])
    blessed = f"{blessing.uri}/{constants.BLESSED_FILE_NAME}"
    if fileio.exists(blessed) and tfma_results.unmeasured(artifact_utils.get_single_uri(output_dict["evaluation"])):
        fileio.remove(blessed)
        io_utils.write_string_file(f"{blessing.uri}/{constants.NOT_BLESSED_FILE_NAME}", "")
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.NOT_BLESSED_VALUE)
