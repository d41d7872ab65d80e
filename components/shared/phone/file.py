"""What a TensorFlow Lite file states of itself: its operations and signatures. Needs no interpreter."""

from typing import Any

from ai_edge_litert import schema_py_generated as flatbuffer

DTYPES = {
    flatbuffer.TensorType.STRING: "string",
    flatbuffer.TensorType.FLOAT32: "float32",
    flatbuffer.TensorType.INT64: "int64",
}


def by_number(enumeration: type) -> dict[int, str]:
    """Return the names of a flatbuffer's enumeration."""
    return {number: name for name, number in vars(enumeration).items() if not name.startswith("_")}


BUILTIN = by_number(flatbuffer.BuiltinOperator)


def operation(code: Any) -> str:
    """Name the operation of an OperatorCodeT; older files have its number in another field."""
    return BUILTIN[max(code.builtinCode, code.deprecatedBuiltinCode)]


def operators(model: bytes) -> list[str]:
    """Name the operations of a file, sorted; custom ones, Flex among them, as "CUSTOM <name>"."""
    names = {operation(code): code.customCode for code in flatbuffer.ModelT.InitFromPackedBuf(model).operatorCodes}
    return sorted(f"{name} {custom.decode()}" if custom else name for name, custom in names.items())


def signatures(model: bytes) -> dict[str, tuple[dict[str, str], set[str]]]:
    """Read the signatures by name: each input's dtype, and the outputs' names. Empty for what is no such file."""
    found: dict[str, tuple[dict[str, str], set[str]]] = {}
    if flatbuffer.Model.ModelBufferHasIdentifier(model, 0):
        read = flatbuffer.ModelT.InitFromPackedBuf(model)
        for each in read.signatureDefs or ():
            tensors = read.subgraphs[each.subgraphIndex].tensors
            types = {one.name.decode(): tensors[one.tensorIndex].type for one in each.inputs}
            inputs = {name: DTYPES.get(number, f"type {number}") for name, number in types.items()}
            found[each.signatureKey.decode()] = inputs, {one.name.decode() for one in each.outputs}
    return found
