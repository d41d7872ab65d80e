"""Whether the stock pipeline and ours made the same of the same rows.

Run: `python -m tests.benchmarks.pipeline_equality STOCK OURS OUT`, after both. Rows, statistics, anomalies, vocabularies and
transformed values are compared by value, whatever the order of rows. The two trainings see the rows in two orders, which works
like two seeds; so both Evaluators judge one model, ours, and their metrics must be equal. The two models' own AUCs need only be
close.

One thing is mapped. CsvExampleGen writes a missing value as a feature with no values, SpanExampleGen leaves the feature out.
TFDV counts the first among the rows that have the feature; here it is counted as missing, as it is in ours.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tfx  # noqa: F401  # before what else is TFX's
from google.protobuf.json_format import MessageToDict
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tfx.components.evaluator.component import Evaluator
from tfx.types import Artifact, channel_utils, standard_artifacts

import tensorflow_data_validation as tfdv  # isort: skip

from components.shared import tfma_results
from components.shared.metric_names import AUC, OVERALL
from components.shared.spans import SPLITS
from pipeline import config as configuration
from pipeline.beam import settings as beam
from pipeline.local import record
from pipeline.model.evaluation import eval_config
from pipeline.model.schema import read as read_schema
from tests.beam import nodes
from tests.benchmarks.pipeline_values import differences, frame_differences, leaves, rows, statistics

EXAMPLES = {"stock": "CsvExampleGen", "ours": "SpanExampleGen"}  # the node that writes the rows
RELATIVE = 1e-6  # of statistics: sums of the same numbers in another order
TRANSFORMED = 1e-6  # float32 rounds what the means and deviations become
METRIC = 1e-6  # of a metric: a row's score differs in its last bit with its place in a batch
TWO_TRAININGS = 0.01  # of the AUC
SHOWN = 5  # differences of a kind


class Run:
    """What a run left, by node and output key."""

    def __init__(self, root: Path):
        self._outputs = record.last_run(root / "metadata.db")

    def path(self, node: str, key: str) -> Path:
        return Path(self._outputs[node][key].uri)

    def artifact(self, node: str, key: str, kind: type[Artifact]) -> Artifact:
        artifact = kind()
        artifact.set_mlmd_artifact(self._outputs[node][key])
        return artifact


def planted(schema: Schema) -> Schema:
    """A schema that real rows break: one airport less, and every float bounded by 0. So there are anomalies to compare."""
    strict = Schema()
    strict.CopyFrom(schema)
    for domain in strict.string_domain:
        del domain.value[0]
    for feature in strict.feature:
        if feature.HasField("float_domain"):
            feature.float_domain.max = 0.0
        feature.distribution_constraints.min_domain_mass = 1.0
    return strict


def metrics(evaluation: Path) -> dict[str, object]:
    """Metric by slice, and the histogram of scores."""
    found = tfma_results.metrics(str(evaluation))[tfma_results.CANDIDATE]
    named: dict[str, object] = {f"{name}/{metric}": value for name, of in found.items() for metric, value in of.items()}
    return named | {f"scores/{index}": count for index, count in enumerate(tfma_results.score_histogram(str(evaluation)))}


def evaluated(stock: Run, model: Artifact, folder: Path) -> Path:
    """The stock Evaluator's metrics of a model, on the stock pipeline's rows."""
    config = configuration.load()
    inputs = {
        "examples": stock.artifact(EXAMPLES["stock"], "examples", standard_artifacts.Examples),
        "model": model,
        "schema": stock.artifact("SchemaGen", "schema", standard_artifacts.Schema),
    }
    channels = {key: channel_utils.as_channel([artifact]) for key, artifact in inputs.items()}
    node = Evaluator(**channels, eval_config=eval_config(config.evaluate, config.problem.target))
    return Path(nodes.run(node, inputs, folder, beam.arguments(config.beam))["evaluation"].uri)


def comparisons(stock: Run, ours: Run, folder: Path) -> Iterator[tuple[str, int, list[str]]]:
    """What was compared, how many values, and how they differ."""
    schema = read_schema(Path(configuration.load().data.schema_file))
    for split in SPLITS:
        part = f"Split-{split}"
        found = [rows(run.path(EXAMPLES[name], "examples") / part) for name, run in (("stock", stock), ("ours", ours))]
        yield f"rows, {split}", found[1].size, frame_differences(*found, tolerance=0)
        found = [rows(run.path("Transform", "transformed_examples") / part) for run in (stock, ours)]
        yield f"transformed values, {split}", found[1].size, frame_differences(*found, tolerance=TRANSFORMED)
        summaries = [statistics(run.path("StatisticsGen", "statistics") / part) for run in (stock, ours)]
        values = [dict(leaves(MessageToDict(summary))) for summary in summaries]
        yield f"statistics, {split}", len(values[1]), differences(*values, tolerance=RELATIVE)
        for name, expected in (("the reviewed schema", schema), ("a schema that the rows break", planted(schema))):
            values = [
                dict(leaves(MessageToDict(tfdv.validate_statistics(summary, expected)), f"{split}")) for summary in summaries
            ]
            count = sum(key.endswith("severity") for key in values[1])
            yield f"anomalies by {name}, {split}", count, differences(*values, tolerance=RELATIVE)
    assets = [run.path("Transform", "transform_graph") / "transform_fn" / "assets" for run in (stock, ours)]
    vocabularies: list[dict[str, object]] = [{path.name: path.read_bytes() for path in each.iterdir()} for each in assets]
    yield "vocabularies", len(vocabularies[1]), differences(*vocabularies, tolerance=0)
    model = ours.artifact("Trainer", "model", standard_artifacts.Model)
    same_model = [metrics(evaluated(stock, model, folder)), metrics(ours.path("Evaluator", "evaluation"))]
    yield "metrics of our model", len(same_model[1]), differences(*same_model, tolerance=METRIC)
    own = [tfma_results.metrics(str(run.path("Evaluator", "evaluation")))[tfma_results.CANDIDATE] for run in (stock, ours)]
    aucs = [each[OVERALL][AUC] for each in own]
    apart = [] if abs(aucs[0] - aucs[1]) <= TWO_TRAININGS else [f"{aucs[0]:.4f}; ours: {aucs[1]:.4f}"]
    yield f"AUC of each pipeline's own model ({aucs[0]:.4f}; ours: {aucs[1]:.4f})", 1, apart


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pipeline_equality", description=__doc__.splitlines()[0])
    parser.add_argument("stock", type=Path, help="root of the stock pipeline's run")
    parser.add_argument("ours", type=Path, help="root of our run")
    parser.add_argument("out", type=Path, help="JSON file to write")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = [
            {"what": what, "values": count, "differences": len(different), "shown": different[:SHOWN]}
            for what, count, different in comparisons(Run(options.stock), Run(options.ours), Path(folder))
        ]
    options.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
