"""Messages of KFP's launcher, as its open-source backend writes them."""

import json

import hypothesis
import pytest
from hypothesis import strategies as st

from components.shared.errors import NotRunnable
from pipeline.kubeflow import invocation
from tests.serving.cloud_storage_stub import cloud_storage

EXAMPLES = "title: tfx.Examples\ntype: object\nproperties:\n  span:\n    type: integer\n"
URI = "gs://my-bucket/pipelines/crosswind/run/span-example-gen/1/examples"


def declared(**artifacts: str) -> str:
    """The specification of inputs with these instance schemas."""
    stated = {key: {"artifactType": {"instanceSchema": schema}} for key, schema in artifacts.items()}
    return json.dumps({"artifacts": stated, "parameters": {"span": {"parameterType": "STRING"}}})


def artifact(uri: str = URI, **fields: object) -> dict:
    """As the backend gives it: without a schema or a name, and with a name to show among the metadata."""
    type_ = {"instanceSchema": ""}
    return {"artifacts": [{"uri": uri, "type": type_, "metadata": {"span": 3, "display_name": "examples"}} | fields]}


def message(inputs: dict | None = None, outputs: dict | None = None) -> invocation.ExecutorInput:
    stated = {
        "inputs": {"artifacts": inputs or {}, "parameterValues": {"span": "2024-03"}},
        "outputs": {"artifacts": outputs or {}, "outputFile": "/tmp/kfp_outputs/output_metadata.json"},
    }
    return invocation.parse(json.dumps(stated), invocation.ExecutorInput())


def test_an_input_without_a_type_gets_the_declared_one_and_a_name():
    given = message({"examples": artifact()})
    invocation.restore_types(given, declared(examples=EXAMPLES))
    [found] = given.inputs.artifacts["examples"].artifacts
    assert found.type.schema_title == "tfx.types.standard_artifacts.Examples"
    assert found.name == URI
    assert (found.uri, found.metadata["span"]) == (URI, 3)
    assert given.inputs.parameter_values["span"].string_value == "2024-03"


def test_a_name_that_is_there_stays():
    given = message({"examples": artifact(name="projects/1/artifacts/2")})
    invocation.restore_types(given, declared(examples=EXAMPLES))
    assert given.inputs.artifacts["examples"].artifacts[0].name == "projects/1/artifacts/2"


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("crosswind.DataGateReport", "components.shared.artifacts.DataGateReport"),
        ("crosswind.DataBlessing", "components.shared.artifacts.DataBlessing"),
        ("crosswind.DriftReport", "components.shared.artifacts.DriftReport"),
        ("tfx.Model", "tfx.types.standard_artifacts.Model"),
        ("tfx.InfraBlessing", "tfx.types.standard_artifacts.InfraBlessing"),
    ],
)
def test_titles_are_those_of_classes_of_tfx_and_of_ours(title, path):
    """Outputs come with their types."""
    outputs = {"report": artifact(type={"instanceSchema": f"title: {title}\ntype: object\n"})}
    given = message(outputs=outputs)
    invocation.restore_types(given, declared())
    assert given.outputs.artifacts["report"].artifacts[0].type.schema_title == path


def test_every_artifact_of_the_real_pipeline_has_a_class(package):
    for component in package.spec["components"].values():
        stated = {
            **component.get("inputDefinitions", {}).get("artifacts", {}),
            **component.get("outputDefinitions", {}).get("artifacts", {}),
        }
        given = message({key: artifact() for key in stated})
        invocation.restore_types(given, json.dumps({"artifacts": stated}))
        for found in given.inputs.artifacts.values():
            assert found.artifacts[0].type.schema_title.startswith(("tfx.types.standard_artifacts.", "components."))


@pytest.mark.parametrize("schema", ["title: their.Model\ntype: object\n", "type: object\n", ""])
def test_an_unknown_type_is_refused(schema):
    with pytest.raises(NotRunnable, match=r"examples is of the type '.*'; expected one of .*tfx\.Examples"):
        invocation.restore_types(message({"examples": artifact()}), declared(examples=schema))


def test_an_input_that_is_not_declared_is_refused():
    with pytest.raises(NotRunnable, match=r"gave the input schema; expected examples. Compile it again"):
        invocation.restore_types(message({"schema": artifact()}), declared(examples=EXAMPLES))


def test_what_is_none_of_the_executors_is_dropped():
    log = artifact(type={"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"})
    inputs = {"_DriftMonitor.report": artifact(), "examples": artifact()}
    given = message(inputs, {"executor-logs": log, "examples": artifact(type={"instanceSchema": EXAMPLES})})
    invocation.restore_types(given, declared(examples=EXAMPLES))
    assert list(given.inputs.artifacts) == ["examples"]
    assert list(given.outputs.artifacts) == ["examples"]


def test_fields_of_a_newer_launcher_are_left_out():
    given = invocation.parse('{"outputs": {"outputFile": "/tmp/f", "attempt": 2}, "retries": 1}', invocation.ExecutorInput())
    assert given.outputs.output_file == "/tmp/f"


def test_uris_of_inputs_and_outputs_are_mapped():
    given = message({"a": artifact("s3://b/in")}, {"c": artifact("minio://b/out")})
    invocation.map_uris(given, invocation.local_path)
    assert given.inputs.artifacts["a"].artifacts[0].uri == "/s3/b/in"
    assert invocation.output_uris(given) == ["/minio/b/out"]


def test_uris_of_a_report_are_mapped_back():
    said = json.dumps({"artifacts": {"model": {"artifacts": [{"uri": "/gcs/b/model"}]}}})
    report = invocation.parse(said, invocation.ExecutorOutput())
    invocation.map_uris(report, invocation.remote_uri)
    assert report.artifacts["model"].artifacts[0].uri == "gs://b/model"


places = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1)
mounts_of_machines = st.sampled_from(["/", "/machine", "/machine/", "/tmp/gcs/s3"])


@hypothesis.given(st.sampled_from(["gs://", "s3://", "minio://"]), places, mounts_of_machines)
def test_a_path_is_the_uris_and_back(scheme, place, mounts):
    path = invocation.local_path(scheme + place, mounts)
    assert path.startswith("/")
    assert invocation.remote_uri(path, mounts) == scheme + place


@pytest.mark.parametrize("uri", ["/mnt/crosswind/model", "https://host/model", "GS://bucket/model", ""])
def test_a_uri_that_the_launcher_does_not_mount_is_refused(uri):
    with pytest.raises(NotRunnable, match="is not in a bucket that the launcher mounts"):
        invocation.local_path(uri)


@pytest.mark.parametrize("path", ["/tmp/model", "gs://bucket/model", "/machine/gcs", "/other/gcs/bucket/model"])
def test_an_executor_that_moves_its_output_is_refused(path):
    with pytest.raises(NotRunnable, match="is not below a folder of the launcher, so it would be lost"):
        invocation.remote_uri(path, "/machine")


def test_scratch_is_a_new_place_beside_the_outputs():
    given = message(outputs={"examples": artifact()})
    first, second = invocation.scratch(given), invocation.scratch(given)
    assert first != second
    assert first.startswith("gs://my-bucket/pipelines/crosswind/run/span-example-gen/1/.tmp-")


def test_a_node_without_outputs_cannot_be_remote():
    with pytest.raises(NotRunnable, match=r"Take it out of kubeflow.remote"):
        invocation.scratch(message())


def test_markers_of_the_artifact_go_from_a_stubbed_bucket_and_files_stay(monkeypatch):
    objects = {
        "run/task/1/model/": b"",
        "run/task/1/model/Format-Serving/": b"",
        "run/task/1/model/Format-Serving/saved_model.pb": b"graph",
        "run/task/1/model_run/": b"",
        "run/task/": b"",
    }
    with cloud_storage(objects) as (address, held):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        assert invocation.remove_markers(["gs://models/run/task/1/model"]) == 2
        assert sorted(held) == ["run/task/", "run/task/1/model/Format-Serving/saved_model.pb", "run/task/1/model_run/"]


def test_where_there_is_no_bucket_of_google_s_nobody_is_asked():
    assert invocation.remove_markers(["s3://models/a", "/gcs/models/a"]) == 0
