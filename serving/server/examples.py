"""Classify and Regress: tf.Examples in, classes or a number out, for signatures that have TensorFlow Serving's names."""

import numpy as np

from serving.refused import invalid
from serving.server.core import Core
from serving.server.servable import Columns, Servable

# tensorflow/core/protobuf: CLASSIFY_INPUTS, CLASSIFY_OUTPUT_CLASSES, CLASSIFY_OUTPUT_SCORES, REGRESS_OUTPUTS
INPUTS, CLASSES, SCORES, OUTPUTS = "inputs", "classes", "scores", "outputs"


async def classify(core: Core, servable: Servable, signature: str, examples: list[bytes]) -> list[list[tuple[str, float]]]:
    """Labels and their scores, for each example. Raises Refused."""
    answers = await _ask(core, servable, signature, examples, [CLASSES, SCORES])
    labels = np.vectorize(bytes.decode, otypes=[object])(answers[CLASSES])
    return [list(zip(*row, strict=True)) for row in zip(labels.tolist(), answers[SCORES].tolist(), strict=True)]


async def regress(core: Core, servable: Servable, signature: str, examples: list[bytes]) -> list[float]:
    """A number for each example. Raises Refused."""
    answers = await _ask(core, servable, signature, examples, [OUTPUTS])
    return answers[OUTPUTS].ravel().tolist()


async def _ask(core: Core, servable: Servable, name: str, examples: list[bytes], outputs: list[str]) -> Columns:
    if not examples:
        raise invalid("Input is empty; expected at least one example.")
    signature = servable.signature(name)
    if signature.inputs.keys() != {INPUTS} or not signature.outputs.keys() >= set(outputs):
        raise invalid(
            f"Signature {name} takes {', '.join(signature.inputs)} and gives {', '.join(signature.outputs)}; expected one that "
            f"takes {INPUTS} and gives {' and '.join(outputs)}. Name it in signature_name."
        )
    return await core.score(servable, signature, {INPUTS: np.array(examples, object)})
