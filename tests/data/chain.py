"""The components up to the DataGate, as the pipeline wires them, on one span."""

import functools
import tempfile
from pathlib import Path

from google.protobuf import text_format

from pipeline import config as configuration
from pipeline.beam import settings as beam
from pipeline.dag import create_pipeline
from tests import neutral
from tests.beam import nodes

NODES = ("SpanExampleGen", "StatisticsGen", "ExampleValidator", "DataChecks", "DataGate")
SETTINGS = ("data.window=1", "gate.min_rows=100", "gate.max_repeated_share=0.001")


@functools.cache
def problem() -> Path:
    """The neutral problem, but that it takes parcels of any shop."""
    folder = neutral.write(Path(tempfile.mkdtemp()) / "parcels", each=31)
    schema = neutral.schema(neutral.PROBLEM)
    [shop] = [feature for feature in schema.feature if feature.name == "shop"]
    shop.ClearField("domain")
    (folder / "schema.pbtxt").write_text(text_format.MessageToString(schema))
    return folder


def ingest(spans_folder: Path, span: str, work: Path) -> None:
    """Runs them; what they write is below `work`. Raises CrosswindError if one of them refuses the span."""
    config = configuration.load(overrides=[f"data.spans={spans_folder}", *SETTINGS], problem=problem())
    pipeline = create_pipeline(config, span)
    for name in NODES:
        node = nodes.of(pipeline, name)
        nodes.run(node, nodes.inputs_in(node, work, Path(config.data.schema_file)), work, beam.arguments(config.beam))
