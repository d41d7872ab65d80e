"""Files of one line, each with an operation that gets what it must not get, or does not."""

import numpy as np
import pytest
import tensorflow as tf

from components.mobile_exporter import special_values
from components.shared.errors import NotConvertible
from components.shared.phone.awkward_rows import AwkwardRows
from tests.components.mobile_exporter.small_files import converted

ROWS = AwkwardRows({"x": np.array([0.5, np.nan, np.inf, 1e30], "float32")}, ["nothing", "x missing", "x inf", "x 1e+30"])


def filled(x: tf.Tensor) -> tf.Tensor:
    return tf.where(tf.math.is_nan(x), tf.zeros_like(x), x)


def turned(x: tf.Tensor) -> tf.Tensor:
    return filled(tf.math.floormod(x, 360.0) / 360.0)


SAFE = {
    "selected, then clipped": lambda x: tf.clip_by_value(filled(x), 0.01, 0.99),
    "scaled, then selected": lambda x: tf.minimum(filled((x - 3.0) * 2.0), 1.0),
    "stacked, then selected": lambda x: tf.reduce_min(tf.minimum(filled(tf.stack([x, 2 * x], axis=1)), 0.5), axis=1),
    "modulo the period": lambda x: tf.sin(turned(x)),
}
UNSAFE = {
    "MINIMUM gets nan from .*, in the row with x missing": lambda x: filled(tf.minimum(x, 0.99)),
    "MAXIMUM gets nan": lambda x: filled(tf.maximum(x, 0.01)),
    "LESS gets nan": lambda x: tf.where(x < 0.5, 0.1, 0.2),
    "RELU gets nan": lambda x: filled(tf.nn.relu(x)),
    "MUL and RELU gets nan": lambda x: filled(tf.nn.relu(x * tf.constant([2.0]))),
    "LOG gets nan": lambda x: filled(tf.math.log(x)),
    r"SIN gets inf from .*, in the row with x inf": lambda x: tf.sin(filled(x)),
    "CAST gets inf": lambda x: tf.cast(tf.cast(filled(x), tf.int32), tf.float32),
    "LOGISTIC gets nan from .*, in the row with x inf": lambda x: tf.sigmoid(filled(x) - filled(x * 1.0)),
}


@pytest.mark.parametrize("body", SAFE.values(), ids=SAFE)
def test_nan_that_is_selected_away_first_is_let_through(body):
    special_values.check(converted(body), ROWS)


@pytest.mark.parametrize(("message", "body"), UNSAFE.items(), ids=UNSAFE)
def test_an_operation_that_runtimes_do_differently_is_named_with_the_row(message, body):
    with pytest.raises(NotConvertible, match=message + r".*[.] Runtimes differ in what they make of that; expected"):
        special_values.check(converted(body), ROWS)


def test_a_large_angle_is_refused_before_it_is_infinite():
    rows = AwkwardRows({"x": np.array([1, 3e5], "float32")}, ["nothing", "x 300000"])
    with pytest.raises(NotConvertible, match=r"COS gets 300000 from .*, in the row with x 300000"):
        special_values.check(converted(tf.cos), rows)


def test_values_of_one_row_are_not_blamed_on_another():
    rows = AwkwardRows({"x": np.array([1, 2], "float32"), "y": np.array([1, np.nan], "float32")}, ["nothing", "y missing"])
    with pytest.raises(NotConvertible, match=r"MINIMUM gets nan from .*, in the row with y missing"):
        special_values.check(converted(tf.minimum, "x", "y"), rows)
