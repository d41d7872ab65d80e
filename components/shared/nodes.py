"""The nodes of the pipeline by their ids, and the outputs that other code reads. Imports nothing heavy.

An id is the name of the node's class, or what `with_id` gives it in pipeline/dag.py; a test compares them with the DAG.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import TypeVar

Found = TypeVar("Found")


class NodeId(StrEnum):
    """The id of a node in the DAG, as ML Metadata, logs, pages and `[kubeflow.nodes]` have it."""

    IMPORT_SCHEMA_GEN = "ImportSchemaGen"
    SPAN_EXAMPLE_GEN = "SpanExampleGen"
    STATISTICS_GEN = "StatisticsGen"
    EXAMPLE_VALIDATOR = "ExampleValidator"
    DATA_CHECKS = "DataChecks"
    DATA_GATE = "DataGate"
    PRODUCTION_MODEL = "ProductionModel"
    DRIFT_MONITOR = "DriftMonitor"
    TRANSFORM = "Transform"
    TUNER = "Tuner"
    TRAINER = "Trainer"
    EVALUATOR = "Evaluator"
    CANARY = "Canary"
    INFRA_VALIDATOR = "InfraValidator"
    BULK_INFERRER = "BulkInferrer"
    MOBILE_EXPORTER = "MobileExporter"
    MOBILE_EVALUATOR = "MobileEvaluator"
    PUBLISHER = "Publisher"
    MOBILE_PUBLISHER = "MobilePublisher"
    RUN_REPORT = "RunReport"


class Output(Enum):
    """The outputs that other code reads: the node, and the key."""

    SCHEMA = NodeId.IMPORT_SCHEMA_GEN, "schema"
    PRODUCTION = NodeId.PRODUCTION_MODEL, "model"
    EXAMPLES = NodeId.SPAN_EXAMPLE_GEN, "examples"
    STATISTICS = NodeId.STATISTICS_GEN, "statistics"
    ANOMALIES = NodeId.EXAMPLE_VALIDATOR, "anomalies"
    FINDINGS = NodeId.DATA_CHECKS, "report"
    DATA_BLESSING = NodeId.DATA_GATE, "blessing"
    DRIFT = NodeId.DRIFT_MONITOR, "report"
    TRANSFORM_GRAPH = NodeId.TRANSFORM, "transform_graph"
    MODEL = NodeId.TRAINER, "model"
    MODEL_RUN = NodeId.TRAINER, "model_run"
    EVALUATION = NodeId.EVALUATOR, "evaluation"
    BLESSING = NodeId.EVALUATOR, "blessing"
    INFRA_BLESSING = NodeId.CANARY, "blessing"
    MOBILE_MODEL = NodeId.MOBILE_EXPORTER, "mobile_model"
    MOBILE_EVALUATION = NodeId.MOBILE_EVALUATOR, "evaluation"
    MOBILE_BLESSING = NodeId.MOBILE_EVALUATOR, "blessing"
    PUSHED_MODEL = NodeId.PUBLISHER, "pushed_model"
    MOBILE_PUSHED_MODEL = NodeId.MOBILE_PUBLISHER, "pushed_model"
    BEST_HYPERPARAMETERS = NodeId.TUNER, "best_hyperparameters"
    PAGE = NodeId.RUN_REPORT, "page"
    OLD_FINDINGS = NodeId.DATA_GATE, "report"  # of runs of older code, whose pages can be rewritten

    def __init__(self, node: NodeId, key: str):
        self.node, self.key = node, key

    def of(self, outputs: Mapping[str, Mapping[str, Found]]) -> Found:
        """Pick this output from the outputs of a run or a DAG, by node and key. Raises KeyError."""
        return outputs[self.node][self.key]


NOT_REPORTED = (Output.BEST_HYPERPARAMETERS, Output.PAGE, Output.OLD_FINDINGS)
REPORTED = {each.name.lower(): each for each in Output if each not in NOT_REPORTED}  # by the name of RunReport's input
