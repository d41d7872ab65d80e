"""Classify and Regress: tf.Examples in, classes or a number out, for signatures that have TensorFlow Serving's names."""

from collections.abc import Callable, Set

import numpy as np

from serving.refused import invalid
from serving.server.core import Core
from serving.server.servable import Servable, Signature, Tensors

# tensorflow/core/protobuf: CLASSIFY_INPUTS, CLASSIFY_OUTPUT_CLASSES, CLASSIFY_OUTPUT_SCORES, REGRESS_OUTPUTS
INPUTS, CLASSES, SCORES, OUTPUTS = "inputs", "classes", "scores", "outputs"
MISSING = "No signature was found with the name: {}"


async def classify(core: Core, servable: Servable, name: str, examples: list[bytes]) -> list[list[tuple[str, float]]]:
    """Return labels and scores for each example; where a signature gives only one of them, the other is empty or 0.

    Raises:
        Refused: the signature does not classify, or there is no example.
    """
    wanted = f"{CLASSES} and {SCORES}, or one of them"
    signature = _chosen(servable, name, lambda outputs: outputs <= {CLASSES, SCORES}, wanted)
    answers = await _ask(core, servable, signature, examples, "Classify")
    given = next(iter(answers.values()))
    scores = answers.get(SCORES, np.zeros(given.shape, np.float32))
    labels = np.vectorize(bytes.decode, otypes=[object])(answers.get(CLASSES, np.full(given.shape, b"", object)))
    return [list(zip(*row, strict=True)) for row in zip(labels.tolist(), scores.tolist(), strict=True)]


async def regress(core: Core, servable: Servable, name: str, examples: list[bytes]) -> list[float]:
    """Return a number for each example. Raises Refused."""
    signature = _chosen(servable, name, lambda outputs: outputs == {OUTPUTS}, OUTPUTS)
    answers = await _ask(core, servable, signature, examples, "Regress")
    return answers[OUTPUTS].ravel().tolist()


async def _ask(core: Core, servable: Servable, signature: Signature, examples: list[bytes], api: str) -> Tensors:
    if not examples:
        raise invalid("Input is empty. Expected at least one example.")
    return await core.score(servable, signature, {INPUTS: np.array(examples, object)}, api)


def _chosen(servable: Servable, name: str, gives: Callable[[Set[str]], bool], wanted: str) -> Signature:
    """Return the signature of that name. Raises Refused where it was made for other calls, with those that fit this one."""
    fitting = [n for n, each in servable.signatures.items() if each.inputs.keys() == {INPUTS} and gives(each.outputs.keys())]
    signature = servable.signature(name, MISSING)
    if signature.name in fitting:
        return signature
    advice = f"Name another one in signature_name: {' or '.join(sorted(fitting))}." if fitting else "This model has none such."
    raise invalid(
        f"Expected a signature that takes one input Tensor, {INPUTS}, and gives {wanted}: {signature.name} takes "
        f"{', '.join(signature.inputs)} and gives {', '.join(signature.outputs)}. {advice}"
    )
