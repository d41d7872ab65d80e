"""Read what TFMA wrote: metrics by slice, and why a candidate was not blessed."""

import math
from collections.abc import Iterator, Mapping

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import validation_result_pb2

from components.shared.metric_names import AUC, AUC_PR, CALIBRATION, LOG_LOSS, OVERALL, POSITIVES

CANDIDATE = "candidate"
BASELINE = "baseline"
RANKINGS = (AUC, AUC_PR)  # of positives above negatives: with only one class there is none, but TFMA may say 0 or 1
COMPARED = (AUC, LOG_LOSS, CALIBRATION)  # later spans are compared with these

Metrics = dict[str, dict[str, float]]  # slice, as "shop=books" or "overall" -> metric -> value


def metrics(folder: str) -> dict[str, Metrics]:
    """Read the metrics of `CANDIDATE` and, if there was one, `BASELINE`: model name to slice to metric to value.

    A metric without a value is left out: a ratio to zero positives, or how well positives are told from negatives where all
    rows are of one class.
    """
    result: dict[str, Metrics] = {}
    for model, slice_name, name, value in _figures(folder):
        if math.isfinite(value):
            result.setdefault(model, {}).setdefault(slice_name, {})[name] = value
    for values in (values for slices in result.values() for values in slices.values() if of_one_class(values)):
        for name in RANKINGS:
            values.pop(name, None)
    return result


def of_one_class(values: Mapping[str, float]) -> bool:
    """Tell by a slice's finite metrics whether all its rows are positive, or none is.

    In an evaluation of older code, without the mean label, a missing calibration, which is a ratio to the positives, shows
    that there are none.
    """
    if POSITIVES in values:
        return values[POSITIVES] in (0, 1)
    return AUC in values and CALIBRATION not in values


def _figures(folder: str) -> Iterator[tuple[str, str, str, float]]:
    """Yield model, slice, metric and value, which may be NaN or infinite; no differences."""
    for row in tfma.load_metrics(folder):
        for entry in row.metric_keys_and_values:
            if not entry.key.is_diff and entry.value.HasField("double_value"):
                yield entry.key.model_name or CANDIDATE, name_of(row.slice_key), entry.key.name, entry.value.double_value.value


def unmeasured(folder: str) -> list[str]:
    """Word each of the candidate's metrics over all rows that later spans need and that has no value."""
    known = metrics(folder).get(CANDIDATE, {}).get(OVERALL, {})
    return [
        f"{OVERALL}: {name} is {value}; expected a number, as labels of both classes and scores from 0 to 1 have"
        for model, slice_name, name, value in _figures(folder)
        if (model, slice_name) == (CANDIDATE, OVERALL) and name in COMPARED and name not in known
    ]


def score_histogram(folder: str) -> list[float]:
    """Count evaluation rows by the candidate's score, in the equally wide buckets of TFMA's calibration plot over [0, 1]."""
    for plots in tfma.load_plots(folder):
        for found in plots.plot_keys_and_values:
            if not plots.slice_key.single_slice_keys and found.key.model_name in ("", CANDIDATE):
                # The first and last bucket are those of scores below 0 and from 1 on.
                buckets = found.value.calibration_histogram_buckets.buckets
                below, *counts, beyond = (bucket.num_weighted_examples.value for bucket in buckets)
                return [below + counts[0], *counts[1:-1], counts[-1] + beyond]
    raise ValueError(f"{folder} has no calibration plot of all rows; expected one from the CalibrationPlot metric")


def name_of(slice_key) -> str:
    """Name a slice: "shop=books", or "overall" for all rows."""
    parts = [f"{part.column}={_value(part)}" for part in slice_key.single_slice_keys]
    return ", ".join(parts) or OVERALL


def _value(part) -> str:
    value = getattr(part, part.WhichOneof("kind"))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def refusals(folder: str) -> list[str]:
    """Say why the candidate was not blessed, a sentence for each threshold or missing metric; empty if it was."""
    validation: validation_result_pb2.ValidationResult = tfma.load_validation_result(folder)
    failed = [
        f"{name_of(row.slice_key)}: {failure.metric_key.name}{' against production' if failure.metric_key.is_diff else ''} "
        f"is {failure.metric_value.double_value.value:.4f}; expected {_bound(failure.metric_threshold)}"
        for row in validation.metric_validations_per_slice
        for failure in row.failures
    ]
    return failed + [f"the slice {slice_key} has no rows" for slice_key in validation.missing_slices] + unmeasured(folder)


def _bound(threshold) -> str:
    if threshold.HasField("change_threshold"):
        return f"a change of at least {threshold.change_threshold.absolute.value:+g}"
    return f"at least {threshold.value_threshold.lower_bound.value:g}"
