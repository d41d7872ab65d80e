"""The components up to the DataGate, as the pipeline wires them, on one span."""

from pathlib import Path

from pipeline import config as configuration
from pipeline.beam import settings as beam
from pipeline.dag import create_pipeline
from tests.beam import nodes

NODES = ("SpanExampleGen", "StatisticsGen", "ExampleValidator", "DataChecks", "DataGate")


def ingest(spans_folder: Path, span: str, work: Path) -> None:
    """Runs them; what they write is below `work`. Raises CrosswindError if one of them refuses the span."""
    config = configuration.load(overrides=[f"data.spans={spans_folder}", "data.window=1", "gate.min_rows=100"])
    pipeline = create_pipeline(config, span)
    for name in NODES:
        node = nodes.of(pipeline, name)
        nodes.run(node, nodes.inputs_in(node, work, Path(config.data.schema_file)), work, beam.arguments(config.beam))
