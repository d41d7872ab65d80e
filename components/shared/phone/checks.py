"""Check a file before a phone gets it. Imports no TensorFlow."""

from collections.abc import Collection, Mapping

import numpy as np

from components.shared import answers
from components.shared.errors import NotConvertible
from components.shared.phone.file import operators, signatures
from components.shared.phone.runtime import SIGNATURE, TFLiteModel
from components.shared.tasks import Task

REFUSED = ("CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def check(model: bytes, columns: Collection[str], rows: Mapping[str, np.ndarray], max_kb: int, task: Task) -> None:
    """Raise NotConvertible if a file is not fit for a phone.

    Its signature must have these columns, no more and no fewer, its size may be `max_kb` times 1,000 bytes, and it must answer
    the rows, as raw columns, as the task does.
    """
    if bad := [name for name in operators(model) if name.partition(" ")[0] in REFUSED]:
        raise NotConvertible(f"The file has {', '.join(bad)}; expected builtin operations only, and weights as constants.")
    found = {name: (set(inputs), outputs) for name, (inputs, outputs) in signatures(model).items()}
    if found != {SIGNATURE: (set(columns), {task.output})}:
        raise NotConvertible(
            f"The file has the signatures {found}; expected {SIGNATURE} of {sorted(columns)} to {task.output}."
        )
    if len(model) > max_kb * 1000:
        raise NotConvertible(f"The file has {len(model) / 1000:,.0f} KB; expected at most {max_kb:,} (mobile.max_size_kb).")
    scores = TFLiteModel(model)(rows)
    if answers.wrong(task, scores).any():
        raise NotConvertible(
            f"{(~np.isfinite(scores)).sum()} of {scores.size} answers are no numbers, the others from {np.nanmin(scores)} to "
            f"{np.nanmax(scores)}; expected {'probabilities' if task.bounded else 'numbers'}. Were the weights saved with the "
            "model?"
        )
