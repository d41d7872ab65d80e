"""What earlier runs did, from a store as TFX leaves it."""

import json
import time

import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.shared import drift_report
from components.shared.nodes import NodeId
from components.span_example_gen import content
from pipeline.local import record

COMPLETE, CACHED, FAILED = mlmd.Execution.COMPLETE, mlmd.Execution.CACHED, mlmd.Execution.FAILED
OF_SPAN = {"2024-01": "a", "2024-02": "b"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metadata.db"


@pytest.fixture
def put(path):
    """Adds an execution of a node, with properties, to the store; and an artifact that it reads or writes, if one is given."""
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    store = metadata_store.MetadataStore(config)

    def filled(message, properties):
        for name, value in properties.items():
            setattr(message.custom_properties[name], "int_value" if isinstance(value, int) else "string_value", value)
        return message

    def add(node: str, state: int, properties: dict, artifact: dict | None = None, kind: str = "Examples") -> None:
        reads = kind == "Examples"
        execution = mlmd.Execution(type_id=store.put_execution_type(mlmd.ExecutionType(name=node)), last_known_state=state)
        context = mlmd.Context(type_id=store.put_context_type(mlmd.ContextType(name="node")), name=f"crosswind.{node}")
        pairs = []
        if artifact is not None:
            made = mlmd.Artifact(type_id=store.put_artifact_type(mlmd.ArtifactType(name=kind)), state=mlmd.Artifact.LIVE)
            event = mlmd.Event(type=mlmd.Event.INPUT if reads else mlmd.Event.OUTPUT)
            event.path.steps.add().key = "examples" if reads else "report"
            pairs = [(filled(made, artifact), event)]
        store.put_execution(filled(execution, properties), pairs, [context], reuse_context_if_already_exist=True)

    return add


def test_nothing_was_done_where_there_is_no_store(path):
    assert (record.decided(path, "parcels"), record.attempts(path, "2024-02", 0)) == ({}, 0)


@pytest.mark.parametrize(("state", "known"), [(COMPLETE, 1), (CACHED, 1), (FAILED, 0)])
def test_a_run_whose_last_publisher_ended_well_decided_on_what_it_read(path, put, state, known):
    read = {content.PROPERTY: json.dumps(OF_SPAN)}
    put(record.LAST_NODE, state, {"span": "2024-02", "model_name": "parcels"}, read)
    earlier = NodeId.PUBLISHER if record.LAST_NODE != NodeId.PUBLISHER else NodeId.EVALUATOR
    put(earlier, COMPLETE, {"span": "2024-03", "model_name": "parcels"})
    assert record.decided(path, "parcels") == ({"2024-02": OF_SPAN} if known else {})
    assert record.decided(path, "others") == {}


@pytest.mark.parametrize("retrain", [0, 1])
def test_a_quiet_month_is_decided_by_its_drift_report(path, put, retrain):
    report = {"span": "2024-03", "model": "parcels", "retrain": retrain}
    put("DriftMonitor", COMPLETE, {}, report, drift_report.ARTIFACT)
    assert record.decided(path, "parcels") == ({} if retrain else {"2024-03": {}})
    assert record.decided(path, "others") == {}


def test_every_run_that_read_the_span_since_then_is_an_attempt(path, put):
    before = time.time() - 1
    for state, span in ((FAILED, "2024-02"), (COMPLETE, "2024-02"), (FAILED, "2024-03")):
        put("SpanExampleGen", state, {"span": span})
    assert [record.attempts(path, span, before) for span in ("2024-02", "2024-03", "2024-04")] == [2, 1, 0]
    assert record.attempts(path, "2024-02", before + 3600) == 0
