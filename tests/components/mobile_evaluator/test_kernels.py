"""A file is asked by LiteRT's two sets of kernels."""

import numpy as np
import pytest
import tensorflow as tf

from components.mobile_evaluator import parity
from tests.components.mobile_exporter.small_files import converted


def test_both_kernels_are_asked_and_the_worse_one_is_named():
    """MINIMUM(NaN, 0.9) is 0.9 by one and NaN by the other, which the select then takes for missing."""

    def clipped_before_it_is_selected(x: tf.Tensor) -> tf.Tensor:
        clipped = tf.minimum(x, 0.9)
        return tf.where(tf.math.is_nan(clipped), 0.3, clipped)

    rows = {"x": np.array([0.5, np.nan], "float32")}
    found = parity.differences(converted(clipped_before_it_is_selected), rows, np.array([0.5, 0.3], "float32"))
    assert found[True].tolist() == pytest.approx([0, 0])
    assert found[False].tolist() == pytest.approx([0, 0.6])
    assert parity.worst(found, ["whole", "x missing"]) == "x missing, without XNNPACK"
