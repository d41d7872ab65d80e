"""Read what TFMA wrote: metrics by slice, and why a candidate was not blessed."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import validation_result_pb2

from components.shared import tasks
from components.shared.metric_names import AUC, AUC_PR, CALIBRATION, OVERALL, POSITIVES
from components.shared.tasks import BINARY, Task

CANDIDATE = "candidate"
BASELINE = "baseline"
RANKINGS = (AUC, AUC_PR)  # of positives above negatives: with only one class there is none, but TFMA may say 0 or 1

Figure = tuple[str, str, str, float]  # model, slice, metric, and its value, which may be NaN or infinite
Metrics = dict[str, dict[str, float]]  # slice, as "shop=books" or "overall" -> metric -> value


def metrics(folder: str) -> dict[str, Metrics]:
    """Read the metrics of `CANDIDATE` and, if there was one, `BASELINE`: model name to slice to metric to value.

    A metric without a value is left out: a ratio to zero positives, or how well positives are told from negatives where all
    rows are of one class.
    """
    return _finite([*_figures(folder)])


def _finite(figures: Sequence[Figure]) -> dict[str, Metrics]:
    """Do what `metrics` does, from the figures of an evaluation."""
    result: dict[str, Metrics] = {}
    for model, slice_name, name, value in figures:
        if math.isfinite(value):
            result.setdefault(model, {}).setdefault(slice_name, {})[name] = value
    slices = [values for slices in result.values() for values in slices.values()]
    for values in slices if _task(figures) is BINARY else []:
        if of_one_class(values):
            for name in RANKINGS:
                values.pop(name, None)
    return result


def _task(figures: Iterable[Figure]) -> Task:
    """Return the task whose metrics an evaluation has."""
    return tasks.measured(name for _, _, name, _ in figures)


def of_one_class(values: Mapping[str, float]) -> bool:
    """Tell by a slice's finite metrics whether all its rows are positive, or none is.

    In an evaluation of older code, without the mean label, a missing calibration, which is a ratio to the positives, shows
    that there are none.
    """
    if POSITIVES in values:
        return values[POSITIVES] in (0, 1)
    return AUC in values and CALIBRATION not in values


def _figures(folder: str) -> Iterator[Figure]:
    """Yield the figures of all metrics; no differences."""
    for row in tfma.load_metrics(folder):
        for entry in row.metric_keys_and_values:
            if not (entry.key.is_diff or entry.key.HasField("sub_key")) and entry.value.HasField("double_value"):
                yield entry.key.model_name or CANDIDATE, name_of(row.slice_key), entry.key.name, entry.value.double_value.value


def unmeasured(folder: str) -> list[str]:
    """Word each of the candidate's metrics over all rows that later spans need and that has no value."""
    figures = [*_figures(folder)]
    known, of = _finite(figures).get(CANDIDATE, {}).get(OVERALL, {}), _task(figures)
    why = ", as labels of both classes and scores from 0 to 1 have" if of is BINARY else ""
    return [
        f"{OVERALL}: {name} is {value}; expected a number{why}"
        for model, slice_name, name, value in figures
        if (model, slice_name) == (CANDIDATE, OVERALL) and name in of.drift and name not in known
    ]


def score_histogram(folder: str) -> list[float]:
    """Count evaluation rows by the candidate's answer, from the plot of its task; nothing where the task has none.

    Of a probability: in the equally wide buckets of TFMA's calibration plot over [0, 1]. Of classes: by the likeliest.
    """
    if _task(_figures(folder)).plot is None:
        return []
    for plots in tfma.load_plots(folder):
        for found in plots.plot_keys_and_values:
            if plots.slice_key.single_slice_keys or found.key.model_name not in ("", CANDIDATE):
                continue
            if matrix := found.value.multi_class_confusion_matrix_at_thresholds.matrices:
                return likeliest(matrix[0].entries)
            if found.value.HasField("calibration_histogram_buckets"):
                # The first and last bucket are those of scores below 0 and from 1 on.
                buckets = found.value.calibration_histogram_buckets.buckets
                below, *counts, beyond = (bucket.num_weighted_examples.value for bucket in buckets)
                return [below + counts[0], *counts[1:-1], counts[-1] + beyond]
    raise ValueError(f"{folder} has no plot of all rows; expected the CalibrationPlot, or a confusion matrix of classes")


def likeliest(entries) -> list[float]:
    """Count rows by the class that was the likeliest, from the entries of TFMA's confusion matrix."""
    counts = [0.0] * (1 + max(max(each.predicted_class_id, each.actual_class_id) for each in entries))
    for each in entries:
        counts[each.predicted_class_id] += each.num_weighted_examples
    return counts


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
        change = threshold.change_threshold
        if change.HasField("relative"):
            return f"a rise of at most {change.relative.value:.1%}"
        return f"a change of at least {change.absolute.value:+g}"
    if threshold.value_threshold.HasField("upper_bound"):
        return f"at most {threshold.value_threshold.upper_bound.value:g}"
    return f"at least {threshold.value_threshold.lower_bound.value:g}"
