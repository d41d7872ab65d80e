"""Check a file before a phone gets it. Imports no TensorFlow."""

from collections.abc import Collection, Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as flatbuffer
from ai_edge_litert.interpreter import Interpreter

from components.shared.errors import NotConvertible
from components.shared.phone.runtime import OUTPUT, SIGNATURE, TFLiteModel

BUILTIN = {code: name for name, code in vars(flatbuffer.BuiltinOperator).items() if not name.startswith("_")}
REFUSED = ("CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def operators(model: bytes) -> list[str]:
    """Name the operations of a file, sorted; custom ones, Flex among them, as "CUSTOM <name>"."""
    read = flatbuffer.Model.GetRootAsModel(model, 0)
    codes = [read.OperatorCodes(index) for index in range(read.OperatorCodesLength())]
    names = {BUILTIN[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]: code.CustomCode() for code in codes}
    return sorted(f"{name} {custom.decode()}" if custom else name for name, custom in names.items())


def check(model: bytes, columns: Collection[str], rows: Mapping[str, np.ndarray], max_kb: int) -> None:
    """Raise NotConvertible if a file is not fit for a phone.

    Its signature must have these columns, no more and no fewer, its size may be `max_kb` times 1,000 bytes, and it must score
    the rows, as raw columns.
    """
    if bad := [name for name in operators(model) if name.partition(" ")[0] in REFUSED]:
        raise NotConvertible(f"The file has {', '.join(bad)}; expected builtin operations only, and weights as constants.")
    signatures = Interpreter(model_content=model).get_signature_list()
    found = {name: (set(stated["inputs"]), set(stated["outputs"])) for name, stated in signatures.items()}
    if found != {SIGNATURE: (set(columns), {OUTPUT})}:
        raise NotConvertible(f"The file has the signatures {found}; expected {SIGNATURE} of {sorted(columns)} to {OUTPUT}.")
    if len(model) > max_kb * 1000:
        raise NotConvertible(f"The file has {len(model) / 1000:,.0f} KB; expected at most {max_kb:,} (mobile.max_size_kb).")
    scores = TFLiteModel(model)(rows)
    if not np.isfinite(scores).all() or scores.min() < 0 or scores.max() > 1:
        raise NotConvertible(
            f"{(~np.isfinite(scores)).sum()} of {len(scores)} scores are no numbers, the others from {np.nanmin(scores)} to "
            f"{np.nanmax(scores)}; expected probabilities. Were the weights saved with the model?"
        )
