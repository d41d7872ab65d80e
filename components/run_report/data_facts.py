"""Collect what a run says of its data: rows, distributions, and what was wrong with them."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, DatasetFeatureStatisticsList
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Statistics
from tfx.utils import path_utils

from components.model_store import contents
from components.run_report import histograms
from components.run_report.facts import DataFacts, Distribution, FeatureFacts, FindingFacts
from components.shared import data_findings
from components.shared.artifacts import REPEATED_PROPERTY, ROWS_PROPERTY, VERSION_PROPERTY
from components.shared.nodes import Output
from components.shared.target import Target
from components.shared.tfdv_statistics import by_name, missing_share
from components.shared.trace import Trace

SPLITS = ("train", "eval")


def data(trace: Trace, units: Mapping[str, str], target: Target) -> DataFacts | None:
    """Collect the facts of the window of spans; None if it could not be read.

    Args:
        trace: the run.
        units: of each feature, in the order in which they are shown; the label and features without a unit follow.
        target: the label.
    """
    examples = trace.output(Output.EXAMPLES)
    if examples is None:
        return None
    counts = json.loads(examples.properties[REPEATED_PROPERTY])
    splits = statistics(trace)
    return DataFacts(
        window=examples.properties["window"].split(","),
        rows=json.loads(examples.properties[ROWS_PROPERTY]),
        rows_by_span={span: counts[span]["rows"] for span in sorted(counts)},
        features=features([*map(splits.get, SPLITS), reference(trace)], units),
        findings=findings(trace),
        **_labels(splits, target),
        repeated=max((count["repeated"] / count["rows"] for count in counts.values() if count["rows"]), default=None),
        days=json.loads(examples.properties.get("days", "{}")),
    )


def _labels(splits: Mapping[str, DatasetFeatureStatistics], target: Target) -> dict[str, dict[str, float]]:
    """Return the shares of positive labels by split, or the rarest class in training, whichever the task has."""
    of_label = {split: by_name(found).get(target.label) for split, found in splits.items()}
    shares = {split: target.shares(found) for split, found in of_label.items() if found and missing_share(found) < 1}
    if not target.classes:
        return {"positives": {split: share for split, found in shares.items() for share in found.values()}}
    trained_on = shares.get("train", {})
    rarest = min(trained_on, key=lambda name: trained_on[name], default="")
    return {"classes": {rarest: trained_on[rarest]} if rarest else {}}


def statistics(trace: Trace) -> dict[str, DatasetFeatureStatistics]:
    """Read the statistics of both splits, by split; empty if there are none."""
    found = trace.output(Output.STATISTICS)
    paths = {split: Path(found.uri) / f"Split-{split}" / "FeatureStats.pb" for split in SPLITS} if found else {}
    return {split: _statistics(path) for split, path in paths.items()}


def reference(trace: Trace) -> DatasetFeatureStatistics | None:
    """Read the statistics that the model in production was trained on; None if nothing is in production."""
    model = trace.output(Output.PRODUCTION)
    if model is None or not model.properties[VERSION_PROPERTY]:
        return None
    path = Path(path_utils.serving_model_path(model.uri)) / contents.STATISTICS
    return _statistics(path) if path.is_file() else None


def _statistics(path: Path) -> DatasetFeatureStatistics:
    return DatasetFeatureStatisticsList.FromString(path.read_bytes()).datasets[0]


def features(datasets: Sequence[DatasetFeatureStatistics | None], units: Mapping[str, str]) -> list[FeatureFacts]:
    """Describe every feature that a dataset has: the train split, the eval split or the reference."""
    named = [by_name(dataset) if dataset else {} for dataset in datasets]
    names = list(chain(*named))
    shown = dict.fromkeys([*(name for name in units if name in names), *names])
    sizes = [dataset.num_examples if dataset else None for dataset in datasets]
    return [_feature(name, units.get(name, ""), [each.get(name) for each in named], sizes) for name in shown]


def _feature(name: str, unit: str, found: list[Statistics | None], sizes: list[int | None]) -> FeatureFacts:
    """Describe one feature. TFDV omits one without values, so a dataset with rows but without the feature misses it in all."""
    present = [each for each in found if each]
    kind = present[0].WhichOneof("stats")
    names = histograms.categories(present) if kind == "string_stats" else []
    step = 0 if names else histograms.unit(present)
    edges = [] if names else histograms.edges(present, step)

    def distribution(of: Statistics | None, rows: int | None) -> Distribution | None:
        if rows is None:
            return None
        stats = getattr(of, of.WhichOneof("stats")) if of else None
        missing = 1.0 if stats is None else stats.common_stats.num_missing / rows if rows else 0.0
        if of is None or stats is None or of.WhichOneof("stats") != kind:  # it changed its type and cannot be compared
            return Distribution(rows=rows, missing=missing, shares=[0.0] * (len(names) or max(0, len(edges) - 1)))
        if names:
            return Distribution(rows=rows, missing=missing, shares=histograms.category_shares(of, names))
        mean = stats.mean if stats.common_stats.num_non_missing and math.isfinite(stats.mean) else None
        return Distribution(rows=rows, missing=missing, mean=mean, shares=histograms.shares(of, edges, step))

    parts = dict(zip((*SPLITS, "reference"), map(distribution, found, sizes), strict=True))
    return FeatureFacts(name=name, unit=unit, edges=edges or None, categories=names or None, **parts)


def findings(trace: Trace) -> list[FindingFacts]:
    """List what DataChecks found, whether or not DataGate stopped the run for it."""
    report = trace.output(Output.FINDINGS) or trace.output(Output.OLD_FINDINGS)
    return list(dict.fromkeys(_in_words(each) for each in data_findings.read(report.uri))) if report else []


def _in_words(found: data_findings.Finding) -> FindingFacts:
    text = f"{found.anomaly}. Found: {found.measure.rstrip('. ')}. Expected: {found.limit}."
    return FindingFacts(split=found.split, feature=found.feature, severity=found.severity, text=text)
