"""What a node's container runs, on small executors of TFX; launcher and bucket are folders."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import REPOSITORY
from kfp.pipeline_spec.pipeline_spec_pb2 import ExecutorInput
from tfx.dsl.io import filesystem_registry
from tfx.dsl.io.plugins.tensorflow_gfile import TensorflowFilesystem

from components.shared.trace import Execution
from pipeline.kubeflow import entrypoint, records
from pipeline.kubeflow.records import EXECUTION, ORIGIN
from tests.serving.cloud_storage_stub import cloud_storage

EXAMPLES = (
    "title: tfx.Examples\ntype: object\nproperties:\n  span:\n    type: integer\n    description: Span for an artifact.\n"
    "  split_names:\n    type: string\n    description: JSON-encoded list of splits for an artifact.\n"
)
STATISTICS = "title: tfx.ExampleStatistics\ntype: object\n"
INPUTS_SPEC = {
    "artifacts": {"examples": {"artifactType": {"instanceSchema": EXAMPLES}}},
    "parameters": {"rows": {"parameterType": "NUMBER_INTEGER"}},
}
IN, OUT = "gs://my-bucket/run/gen/1/examples", "gs://my-bucket/run/statistics/2/statistics"


@dataclass(frozen=True)
class Pod:
    """A pod whose launcher has downloaded one input.

    Attributes:
        machine: in the place of the pod's root folder.
        report: where the launcher looks for output_metadata.json.
        log: what Kubernetes shows of a container that failed.
    """

    machine: Path
    report: Path
    log: Path

    def run(self, executor: str, *further: str) -> int:
        """The entry point's exit code."""
        metadata = {"span": 3, "split_names": '["train", "eval"]', "display_name": "examples"}
        given = {
            "inputs": {
                "artifacts": {"examples": {"artifacts": [{"uri": IN, "type": {}, "metadata": metadata}]}},
                "parameterValues": {"rows": 3},
            },
            "outputs": {
                "artifacts": {"statistics": {"artifacts": [{"uri": OUT, "type": {"instanceSchema": STATISTICS}}]}},
                "outputFile": str(self.report),
            },
        }
        arguments = ["--executor_class_path", f"tests.pipeline.small_executors.{executor}"]
        arguments += ["--json_serialized_invocation_args", json.dumps(given)]
        arguments += ["--json_serialized_inputs_spec_args", json.dumps(INPUTS_SPEC)]
        return entrypoint.main([*arguments, *further])

    def reported(self) -> dict:
        return json.loads(self.report.read_text())["artifacts"]["statistics"]["artifacts"][0]


@pytest.fixture
def pod(tmp_path, monkeypatch) -> Pod:
    rows = tmp_path / "gcs" / IN.removeprefix("gs://") / "rows"
    rows.parent.mkdir(parents=True)
    rows.write_text("1 2 3")
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(entrypoint, "TERMINATION_LOG", log)
    monkeypatch.setenv("KFP_MOUNTS", str(tmp_path))
    return Pod(tmp_path, tmp_path / "kfp_outputs" / "output_metadata.json", log)


def test_success_is_reported_with_the_buckets_uri_and_the_custom_properties(pod):
    assert pod.run("Copies", "--runner=FnApiRunner") == 0
    said = pod.reported()
    assert said["uri"] == OUT
    assert said["metadata"]["rows"] == 3
    assert said["metadata"]["seen"] == 'Examples 3 ["train", "eval"]'
    assert "--runner=FnApiRunner" in said["metadata"]["beam"]
    assert (pod.machine / "gcs" / OUT.removeprefix("gs://") / "copy").read_text() == "1 2 3"
    assert pod.log.read_text() == ""


def test_temporary_files_are_none_of_the_launchers_and_are_gone(pod):
    pod.run("Copies")
    temporary = Path(pod.reported()["metadata"]["temporary"])
    assert pod.machine / "gcs" not in temporary.parents
    assert not temporary.parent.exists()


@pytest.mark.parametrize(
    ("executor", "code", "message"),
    [
        ("Rejects", 3, "DataRejected: The data of span 2013-03 are refused: ü is no shop."),
        ("CannotRead", 3, "BadData: rows.parquet has no column returned."),
        ("IsMisconfigured", 2, "BadConfig: rows = 0; expected more."),
        ("Moves", 1, "NotRunnable: /elsewhere is not below a folder of the launcher"),
    ],
)
def test_a_failure_that_explains_itself_has_its_code_and_no_traceback(pod, capsys, executor, code, message):
    assert pod.run(executor) == code
    assert message in pod.log.read_text()
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not pod.report.exists()


def test_a_bug_keeps_its_traceback(pod, capsys):
    assert pod.run("Breaks") == 1
    assert "small_executors.Breaks failed: ZeroDivisionError: a bug" in pod.log.read_text()
    error = capsys.readouterr().err
    assert "Traceback (most recent call last)" in error
    assert "small_executors.py" in error


def test_an_executor_that_is_not_there_is_named(pod, capsys):
    assert pod.run("Nothing") == 1
    assert "small_executors.Nothing failed" in pod.log.read_text()


def test_a_long_message_is_cut_at_kubernetes_limit_between_characters(pod):
    assert pod.run("SaysTooMuch") == 3
    said = pod.log.read_bytes()
    assert len(said) == 4095
    assert said.decode() == f"DataRejected: .{'ü' * 2040}"


def test_where_there_is_no_termination_log_none_is_made(pod, capsys):
    pod.log.unlink()
    assert pod.run("Rejects") == 3
    assert not pod.log.exists()
    assert "DataRejected" in capsys.readouterr().err


def recorded(pod: Pod, executor: str, *keys: str) -> Execution:
    """What a node leaves for its run's closing report."""
    pod.run(executor, f"--records={pod.machine / 'records'}", *(f"--hand_over={key}" for key in keys))
    return EXECUTION.validate_json((pod.machine / "records" / "run" / "statistics.json").read_bytes())


def test_a_node_that_ends_well_hands_over_what_the_report_reads_and_where_it_is(pod):
    execution = recorded(pod, "Copies", "statistics")
    [artifact] = execution.outputs["statistics"]
    assert (execution.state, execution.message) == ("done", "")
    assert execution.seconds > 0
    assert artifact.properties["rows"] == 3
    assert artifact.properties[ORIGIN] == OUT
    assert (Path(artifact.uri) / "copy").read_text() == "1 2 3"
    assert pod.machine / "records" / "run" in Path(artifact.uri).parents


def test_a_custom_property_with_the_name_of_one_of_the_type_is_the_one_that_the_report_reads(tmp_path):
    given = ExecutorInput()
    artifact = given.outputs.artifacts["examples"].artifacts.add(uri="gs://my-bucket/crosswind/run/gen/1/examples")
    artifact.metadata.update({"span": 3, "custom:span": "2013-07"})
    [found] = records.Record(tmp_path, given, []).outputs(given.outputs.artifacts)["examples"]
    assert found.properties["span"] == "2013-07"


@pytest.mark.parametrize("largest", [64e6, 1])
def test_what_nobody_reads_or_is_large_stays_in_the_bucket(pod, monkeypatch, largest):
    monkeypatch.setattr(records, "LARGEST", largest)
    [artifact] = recorded(pod, "Copies", *(["statistics"] if largest == 1 else [])).outputs["statistics"]
    assert artifact.uri == OUT
    assert [path.name for path in (pod.machine / "records" / "run").iterdir()] == ["statistics.json"]


def test_a_node_that_fails_says_why_and_hands_over_what_it_has_written(pod):
    execution = recorded(pod, "Rejects", "statistics")
    assert execution.state == "failed"
    assert execution.message == "DataRejected: The data of span 2013-03 are refused: ü is no shop."
    assert "statistics" in execution.outputs


def test_a_node_that_is_killed_has_said_that_it_started(pod, monkeypatch):
    leave = records.Record.leave
    monkeypatch.setattr(records.Record, "leave", lambda record, state, *_, **told: told or leave(record, state))
    execution = recorded(pod, "Copies", "statistics")
    assert (execution.state, execution.message) == ("failed", "")


def test_a_second_try_says_what_came_of_it(pod):
    recorded(pod, "Rejects", "statistics")
    assert recorded(pod, "Copies", "statistics").state == "done"


def test_records_that_cannot_be_written_cost_no_run(pod, capsys):
    (pod.machine / "records").write_text("a file")
    assert pod.run("Copies", f"--records={pod.machine / 'records'}") == 0
    assert pod.reported()["uri"] == OUT
    assert "NotADirectoryError" in capsys.readouterr().err or "FileExistsError" in capsys.readouterr().err


@pytest.fixture
def bucket(tmp_path, monkeypatch) -> Path:
    """A folder that TFX's file system shows as gs://, for the time of a test; Google's client finds an empty stub."""
    folder = tmp_path / "bucket"

    def local(path: str) -> str:
        return str(folder / path.removeprefix("gs://"))

    class Bucket(TensorflowFilesystem):
        @staticmethod
        def open(name, mode="r"):
            return TensorflowFilesystem.open(local(name), mode)

        @staticmethod
        def exists(path):
            return TensorflowFilesystem.exists(local(path))

        @staticmethod
        def makedirs(path):
            TensorflowFilesystem.makedirs(local(path))

        @staticmethod
        def rmtree(path):
            TensorflowFilesystem.rmtree(local(path))

    monkeypatch.setitem(filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY._preferred_filesystem_by_scheme, "gs://", Bucket)
    with cloud_storage({}) as (address, _):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        yield folder


def test_remote_leaves_artifacts_in_an_emulated_bucket_and_no_temporary_file(pod, bucket):
    rows = bucket / IN.removeprefix("gs://") / "rows"
    rows.parent.mkdir(parents=True)
    rows.write_text("4 5 6")
    output = bucket / OUT.removeprefix("gs://")
    output.mkdir(parents=True)
    assert pod.run("Copies", "--uri_mode=remote") == 0
    said = pod.reported()
    assert said["uri"] == OUT
    assert (output / "copy").read_text() == "4 5 6"
    assert said["metadata"]["temporary"].startswith(f"{OUT.rpartition('/')[0]}/.tmp-")
    assert [path.name for path in output.parent.iterdir()] == ["statistics"]


@pytest.mark.parametrize("arguments", [[], ["--executor_class_path", "a.B", "--uri_mode", "nfs"]])
def test_wrong_arguments(arguments):
    with pytest.raises(SystemExit) as caught:
        entrypoint.main(arguments)
    assert caught.value.code == 2


def test_help_imports_nothing_heavy():
    code = (
        "import sys, pipeline.kubeflow.entrypoint;print(sorted({'tfx', 'tensorflow', 'apache_beam', 'kfp'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
