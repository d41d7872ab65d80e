"""Collect what a run says of its model: TFMA's metrics, and what one more pass of scores over the evaluation rows adds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.utils import path_utils

from components.run_report import answer_curves, data_facts, measures
from components.run_report.facts import Importance, Measured, Metric, ModelFacts, SliceFacts
from components.run_report.naive import naive
from components.shared import answers, raw_rows, spans, tasks, tfma_results
from components.shared.artifacts import VERSION_PROPERTY
from components.shared.metric_names import OVERALL, ROWS
from components.shared.nodes import Output
from components.shared.scored import scored
from components.shared.scored_rows import ScoredRows
from components.shared.target import Target
from components.shared.tfdv_statistics import by_name
from components.shared.trace import Artifact, Trace

BATCH_ROWS = 4096


@dataclass(frozen=True)
class Judged:
    """A model on the evaluation rows: TFMA's metrics by slice, and labels and its answers in the order of time."""

    measured: dict[str, dict[str, float]]
    scored: ScoredRows

    @cached_property
    def drawable(self) -> bool:
        """Whether there are curves and intervals."""
        return self.scored.measurable

    @property
    def blocks(self) -> int:
        """How many blocks of rows the bootstrap draws from."""
        return len(self.scored.blocks) if self.drawable else 0

    @cached_property
    def draws(self) -> dict[str, np.ndarray]:
        return self.scored.draws() if self.drawable else {}

    def drawn(self, metric: tasks.Metric) -> np.ndarray:
        """Return a metric of each bootstrap sample; NaN if there is none."""
        return self.draws.get(metric.name, np.full(1, np.nan))

    @cached_property
    def here(self) -> dict[str, float]:
        """The metrics that TFMA has not, by name."""
        return self.scored.metrics() if self.drawable else {}

    def metric(self, metric: tasks.Metric) -> Measured | None:
        """Return a metric over all rows; None if it has no value there."""
        value = self.measured[OVERALL].get(metric.key) if metric.tfma else self.here.get(metric.name)
        return None if value is None or not np.isfinite(value) else self.bounded(value, self.drawn(metric))

    def bounded(self, value: float, draws: np.ndarray) -> Measured:
        """Add the interval to a figure of which these are the bootstrap's draws."""
        return Measured(value=value, interval=measures.interval(value, draws, self.blocks))

    def slice(self, name: str) -> dict[str, float]:
        """Return the metrics of a slice, by the page's names."""
        measured = self.measured.get(name, {})
        return {each.name: measured[each.key] for each in tasks.measured(measured).metrics if each.key in measured}


def model(trace: Trace, target: Target) -> ModelFacts | None:
    """Collect the facts of the candidate beside the model in production; None if no candidate was evaluated.

    The metrics are TFMA's own. The intervals, the curves and the importance of the features come from scores of the same rows.
    """
    found = trace.outputs(Output.EXAMPLES, Output.MODEL, Output.EVALUATION, Output.BLESSING)
    if not found or not all(Path(each.uri).is_dir() for each in found[:3]):  # large ones stay in a bucket
        return None
    examples, trained, evaluation, blessing = found
    measured = tfma_results.metrics(evaluation.uri)
    baseline, version = trace.output(Output.PRODUCTION), None
    loaded = {tfma_results.CANDIDATE: _load(trained)}
    if baseline and tfma_results.BASELINE in measured and Path(baseline.uri).is_dir():
        loaded[tfma_results.BASELINE] = _load(baseline)
        version = int(baseline.properties[VERSION_PROPERTY])
    paths = raw_rows.files(examples.uri, "eval")
    found_scores = scores(loaded, paths, target, days(examples.uri, paths))
    judged = {name: Judged(measured[name], found_scores[name]) for name in loaded}
    curves = {name: answer_curves.of_target(target, each.scored) for name, each in judged.items() if each.drawable}
    metrics = (*target.task.metrics, *target.task.beside)
    candidate, production = judged[tfma_results.CANDIDATE], judged.get(tfma_results.BASELINE)
    run = trace.output(Output.MODEL_RUN)
    trained_on = by_name(data_facts.statistics(trace)["train"]).get(target.label) if trace.output(Output.STATISTICS) else None
    beaten = naive(target, trained_on, candidate.scored) if trained_on else {}
    return ModelFacts(
        task=target.task_name,
        rows=len(candidate.scored.labels),
        blessed=bool(blessing.properties.get("blessed")),
        refusals=tfma_results.refusals(evaluation.uri),
        production_version=version,
        metrics=[
            _metric(each, value, candidate, production).model_copy(update={"naive": beaten.get(each.name)})
            for each in metrics
            if (value := candidate.metric(each))
        ],
        slices=_slices(candidate, production),
        interval=tasks.interval(measured[tfma_results.CANDIDATE][OVERALL]),
        candidate=curves.get(tfma_results.CANDIDATE),
        production=curves.get(tfma_results.BASELINE),
        loss=measures.losses(Path(run.uri)) if run else {},
        importance=_importance(loaded[tfma_results.CANDIDATE], paths, target) if candidate.drawable else [],
    )


def _load(artifact: Artifact) -> Any:
    return tf.saved_model.load(path_utils.serving_model_path(artifact.uri))


def days(examples: str, paths: list[str]) -> np.ndarray | None:
    """Read the day of each row of these files, in order; None if SpanExampleGen, of older code, did not write them."""
    found = [Path(spans.days_file(examples, Path(path).name)) for path in paths]
    return np.concatenate([np.load(path) for path in found]) if all(path.is_file() for path in found) else None


def scores(
    models: Mapping[str, Any], paths: list[str], target: Target, of_days: np.ndarray | None = None
) -> dict[str, ScoredRows]:
    """Compute the answers that each SavedModel's `serving_default` gives, as the Evaluator took them.

    Args:
        models: by name.
        paths: gzipped TFRecords of tf.Example, in the order of time.
        target: the label.
        of_days: a number for the day of each row, if it is known.
    """
    spec = {target.label: tf.io.FixedLenFeature([], target.task.label_dtype)}
    labels: list[np.ndarray] = []
    found: dict[str, list[np.ndarray]] = {name: [] for name in models}
    for batch in tf.data.TFRecordDataset(paths, "GZIP").batch(BATCH_ROWS):
        labels.append(target.numbers(tf.io.parse_example(batch, spec)[target.label].numpy()))
        for name, loaded in models.items():
            found[name].append(answers.only(loaded.signatures["serving_default"](batch)).numpy())
    of_rows = np.concatenate(labels)
    return {name: scored(target.task, of_rows, np.concatenate(parts), of_days) for name, parts in found.items()}


def _metric(metric: tasks.Metric, value: Measured, candidate: Judged, production: Judged | None) -> Metric:
    """Put together a metric of both models, and their difference where both have it."""
    other = production.metric(metric) if production else None
    stated = Metric(name=metric.name, better=metric.better, candidate=value, production=other)
    if production is None or other is None:
        return stated
    mine, its = candidate.drawn(metric), production.drawn(metric)
    difference = candidate.bounded(value.value - other.value, mine - its)
    verdict = measures.verdict(stated.better, mine, its, (value.value, other.value), candidate.blocks)
    return stated.model_copy(update={"difference": difference, "verdict": verdict})


def _slices(candidate: Judged, production: Judged | None) -> list[SliceFacts]:
    """Group the slices by their feature, the largest first."""
    rows = {name: int(metrics[ROWS]) for name, metrics in candidate.measured.items() if name != OVERALL}
    return [
        SliceFacts(
            name=name,
            rows=rows[name],
            candidate=candidate.slice(name),
            production=production.slice(name) if production else {},
        )
        for name in sorted(rows, key=lambda name: (name.partition("=")[0], -rows[name]))
    ]


def _importance(candidate: Any, paths: list[str], target: Target) -> list[Importance]:
    """Measure the importance of the raw columns, which the signature `raw` takes; none if all labels of the sample are one."""
    raw = candidate.signatures["raw"]
    dtypes = {name: spec.dtype.name for name, spec in raw.structured_input_signature[1].items()}
    columns = raw_rows.head(paths, {**dtypes, target.label: target.task.label_dtype}, measures.MOST_ROWS)
    labels = target.numbers(columns.pop(target.label))

    def score(of: measures.RawColumns) -> np.ndarray:
        return answers.only(raw(**{name: tf.constant(column) for name, column in of.items()})).numpy()

    return measures.importance(score, columns, labels, target.task) if len(np.unique(labels)) > 1 else []
