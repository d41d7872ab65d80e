"""Convert a SavedModel and its preprocessing to one TensorFlow Lite file, of raw values to an answer, and smaller forms."""

import tempfile
from collections.abc import Callable, Mapping
from typing import Any, get_args

import tensorflow as tf
from ai_edge_quantizer import qtyping, quantizer, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName

from components.mobile_exporter.replay import TransformGraph
from components.shared.errors import NotConvertible
from components.shared.phone.card import Variant
from components.shared.phone.runtime import SIGNATURE

VARIANTS = get_args(Variant)
HALF_WEIGHTS = qtyping.OpQuantizationConfig(
    weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
    compute_precision=qtyping.ComputePrecision.FLOAT,
    explicit_dequantize=True,
)


def to_tflite(model: tf.Module, transform: TransformGraph, columns: Mapping[str, str], batch: int | None) -> bytes:
    """Convert to the float32 file, with builtin operations only.

    Args:
        model: the Trainer's SavedModel; its function `network` takes prepared features.
        transform: the preprocessing.
        columns: raw columns, name to dtype ("string", "float32" or "int64").
        batch: rows for each call; None: any number. 1 is faster, and what a phone needs.

    Raises:
        NotConvertible: naming the prepared features whose preprocessing does not convert.
    """
    network = model.network.concrete_functions[0]
    (prepared,), _ = network.structured_input_signature

    def score(raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return model.network(transform(raw, sorted(prepared)))

    try:
        return _convert(score, (network.variables, transform.tables), columns, batch)
    except NotConvertible:
        raise
    except Exception as error:
        raise NotConvertible(
            f"TensorFlow Lite cannot express {culprits(transform, columns, batch) or 'the network'}: {str(error)[:500]}\n"
            "Expected operations that it has built in; prepare these features with others."
        ) from error


def _convert(score: Callable, kept: Any, columns: Mapping[str, str], batch: int | None) -> bytes:
    """Convert a function; `kept` are its variables and tables: what no attribute of the module has is not saved."""
    module = tf.Module()  # not the whole model and transform: the converter loads what is saved three times
    module.kept = kept
    specs = {name: tf.TensorSpec([batch], dtype, name=name) for name, dtype in columns.items()}
    function = tf.function(score, input_signature=[specs], autograph=False)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={SIGNATURE: function})
        return tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE]).convert()


def culprits(transform: TransformGraph, columns: Mapping[str, str], batch: int | None) -> str:
    """Name the prepared features that do not convert by themselves."""
    found = []
    for name in transform.outputs:
        try:
            _convert(lambda raw, name=name: transform(raw, [name]), transform.tables, columns, batch)
        except Exception:
            found.append(name)
    return ", ".join(found)


def quantized(float32: bytes, variant: str) -> bytes:
    """Make a smaller form of the float32 file, one of `VARIANTS`, by ai-edge-quantizer.

    TensorFlow's own float16 conversion narrows every constant, the means of the preprocessing included, and moved probabilities
    by up to 0.005; here only the weights of the dense layers are. Static int8 is not offered: tried with a smaller network of
    this kind, it narrowed the raw inputs too, moved probabilities by up to 0.15, and was no faster (28 against 29 us a row).
    """
    made = quantizer.Quantizer(float32)
    match variant:
        case "float32":
            return float32
        case "float16":
            made.update_quantization_recipe(
                regex=".*",
                operation_name=qtyping.TFLOperationName.FULLY_CONNECTED,
                op_config=HALF_WEIGHTS,
                algorithm_key=AlgorithmName.FLOAT_CASTING,
            )
        case "dynamic_int8":
            made.load_quantization_recipe(recipe.dynamic_wi8_afp32())
        case "weight_int8":
            made.load_quantization_recipe(recipe.weight_only_wi8_afp32())
    return bytes(made.quantize().quantized_model)
