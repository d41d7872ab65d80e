"""Make smaller forms of the float32 file, by ai-edge-quantizer.

TensorFlow's own float16 conversion narrows every constant, the means of the preprocessing included, and moved probabilities by
up to 0.005; here only the weights of the dense layers are. Static int8 is not offered: tried with a smaller network of this
kind, it narrowed the raw inputs too, moved probabilities by up to 0.15, and was no faster (28 against 29 microseconds a row).
"""

import tempfile
from pathlib import Path
from typing import get_args

from ai_edge_quantizer import qtyping, quantizer, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName

from components.shared.phone.card import Variant

VARIANTS = get_args(Variant)


def quantized(float32: bytes, variant: str) -> bytes:
    """Make a variant of the float32 file, one of `VARIANTS`."""
    if variant == "float32":
        return float32
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float32.tflite", Path(folder) / "quantized.tflite"
        source.write_bytes(float32)
        made = quantizer.Quantizer(str(source))
        match variant:
            case "float16":
                made.update_quantization_recipe(
                    regex=".*",
                    operation_name=qtyping.TFLOperationName.FULLY_CONNECTED,
                    op_config=_half_weights(),
                    algorithm_key=AlgorithmName.FLOAT_CASTING,
                )
            case "dynamic_int8":
                made.load_quantization_recipe(recipe.dynamic_wi8_afp32())
            case "weight_int8":
                made.load_quantization_recipe(recipe.weight_only_wi8_afp32())
        made.quantize().export_model(str(target))
        return target.read_bytes()


def _half_weights() -> qtyping.OpQuantizationConfig:
    return qtyping.OpQuantizationConfig(
        weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
        compute_precision=qtyping.ComputePrecision.FLOAT,
        explicit_dequantize=True,
    )
