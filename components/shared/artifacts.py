"""The artifacts that nodes hand to each other besides TFX's own, and the custom properties that others read.

Kubeflow requires a namespace in the names of types.
"""

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import artifact, artifact_utils
from tfx.utils import io_utils

from components.shared import drift_report

# Of Examples, as SpanExampleGen makes them: JSON of rows by split, of repeated rows by span, of days with rows by split.
ROWS_PROPERTY, REPEATED_PROPERTY, DAYS_PROPERTY = "rows", "repeated", "days"
# Of Model, as ProductionModel makes it.
VERSION_PROPERTY = "version"  # 0: nothing is in production
NEXT_PROPERTY = "next_version"  # the number that is published next; production may have an older one, if models.config pins it
NEWEST_MODEL_PROPERTY = "newest_model"  # `Version.model_digest` of the one before that one; empty if there is none


class DriftReport(artifact.Artifact):
    """A folder with `report.json`, a `drift_report.Report`.

    Custom properties: `span`; `model`, the name of the model in production; `verdict`, "no_reference", "stable", "drifted" or
    "decayed"; `retrain`, 1 if the policy wants a new model; `blocked`, why a push must be stopped, empty if it must not.
    """

    TYPE_NAME = drift_report.ARTIFACT


class DataGateReport(artifact.Artifact):
    """A folder with `findings.json`: all findings, a list of `data_findings.Finding` as objects."""

    TYPE_NAME = "crosswind.DataGateReport"


class DataBlessing(artifact.Artifact):
    """Says that the data may be trained on. It has no files."""

    TYPE_NAME = "crosswind.DataBlessing"


def read_schema(inputs: dict[str, list[artifact.Artifact]]) -> schema_pb2.Schema:
    """Read the schema that a node has among its inputs, as "schema"."""
    return io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(inputs["schema"])))
