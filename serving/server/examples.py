"""Classify and Regress: tf.Examples in, classes or a number out, for signatures that have TensorFlow Serving's names."""

import numpy as np

from serving.refused import invalid
from serving.server.core import Core
from serving.server.servable import Columns, Servable, Signature

# tensorflow/core/protobuf: CLASSIFY_INPUTS, CLASSIFY_OUTPUT_CLASSES, CLASSIFY_OUTPUT_SCORES, REGRESS_OUTPUTS
INPUTS, CLASSES, SCORES, OUTPUTS = "inputs", "classes", "scores", "outputs"
MISSING = "No signature was found with the name: {}"


async def classify(core: Core, servable: Servable, name: str, examples: list[bytes]) -> list[list[tuple[str, float]]]:
    """Labels and their scores, for each example; of a signature that gives one of them, the other is empty or 0.

    Raises:
        Refused: the signature does not classify, or there is no example.
    """
    signature = servable.signature(name, MISSING)
    outputs = signature.outputs.keys()
    if not outputs <= {CLASSES, SCORES}:
        raise unfit(signature, f"{CLASSES} and {SCORES}, or one of them")
    answers = await _ask(core, servable, signature, examples, "Classify")
    given = next(iter(answers.values()))
    scores = answers.get(SCORES, np.zeros(given.shape, np.float32))
    labels = np.vectorize(bytes.decode, otypes=[object])(answers.get(CLASSES, np.full(given.shape, b"", object)))
    return [list(zip(*row, strict=True)) for row in zip(labels.tolist(), scores.tolist(), strict=True)]


async def regress(core: Core, servable: Servable, name: str, examples: list[bytes]) -> list[float]:
    """A number for each example. Raises Refused."""
    signature = servable.signature(name, MISSING)
    if signature.outputs.keys() != {OUTPUTS}:
        raise unfit(signature, OUTPUTS)
    answers = await _ask(core, servable, signature, examples, "Regress")
    return answers[OUTPUTS].ravel().tolist()


async def _ask(core: Core, servable: Servable, signature: Signature, examples: list[bytes], api: str) -> Columns:
    if signature.inputs.keys() != {INPUTS}:
        raise unfit(signature, ", ".join(signature.outputs))
    if not examples:
        raise invalid("Input is empty. Expected at least one example.")
    return await core.score(servable, signature, {INPUTS: np.array(examples, object)}, api)


def unfit(signature: Signature, outputs: str) -> Exception:
    """What is said of a signature that was made for other calls."""
    return invalid(
        f"Expected a signature that takes one input Tensor, {INPUTS}, and gives {outputs}: {signature.name} takes "
        f"{', '.join(signature.inputs)} and gives {', '.join(signature.outputs)}. Name another one in signature_name."
    )
