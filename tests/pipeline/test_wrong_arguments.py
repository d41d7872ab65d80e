"""What is wrong with a setting or an argument is said in one message, and the exit code is 2, whatever the command."""

import pytest

from components.shared.errors import Exit

COMMANDS = {  # each with arguments without which it says only that they are missing
    "pipeline.local_runner": [],
    "pipeline.retrain": [],
    "pipeline.rollback": [],
    "pipeline.reports": ["build"],
    "pipeline.views": ["tfma"],
    "pipeline.tune": [],
    "pipeline.replay": [],
    "pipeline.kubeflow_runner": ["compile"],
}
OTHERS = ["pipeline.schedule", "pipeline.kubeflow.entrypoint", "serving.promote", "serving.local_server", "serving.batch"]
OTHERS += ["serving.predict", "tflite.predict", "tflite.install"]


@pytest.mark.parametrize("module", COMMANDS)
def test_a_wrong_setting_is_2_whatever_the_command(module, call):
    code, said = call(module, *COMMANDS[module], "--set", "train.epochs=none")
    assert code == Exit.WRONG_SETTING
    assert "train.epochs = 'none'" in said and "Traceback" not in said


@pytest.mark.parametrize("module", [*COMMANDS, *OTHERS])
def test_a_wrong_argument_is_2_whatever_the_command(module, call):
    code, said = call(module, "--nonsense")
    assert (code, "usage: " in said) == (Exit.WRONG_SETTING, True)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("pipeline.local_runner", ["--span", "2013-99"]),
        ("pipeline.local_runner", ["--span", ""]),
        ("pipeline.local_runner", ["--root", ""]),
        ("pipeline.tune", ["--span", "2013-99"]),
        ("pipeline.tune", ["--trials", "0"]),
        ("pipeline.tune", ["--out", "/proc/nowhere/found.json"]),
        ("pipeline.rollback", ["--to", "0"]),
        ("pipeline.rollback", ["--to", "-1"]),
        ("pipeline.reports", ["serve", "--port", "-1"]),
        ("pipeline.schedule", ["--at", "noon"]),
        ("pipeline.keys", ["make", "/proc/nowhere"]),
        ("pipeline.kubeflow_runner", ["run", "--span", "2013-99", "--host", "http://127.0.0.1:9"]),
        ("pipeline.kubeflow_runner", ["schedule", "--cron", "noon", "--host", "http://127.0.0.1:9"]),
        ("serving.predict", ["--json", "/nowhere.json"]),
        ("serving.predict", ["--csv", "serving", "--server", "http://127.0.0.1:9"]),
        ("serving.predict", ["--json", "{row}", "--version", "-1"]),
        ("serving.predict", ["--json", "{row}", "--server", "ftp://127.0.0.1"]),
        ("serving.promote", ["--stable", "0"]),
        ("serving.promote", ["--canary", "-3"]),
        ("serving.promote", ["--stable", "1", "--timeout", "nan"]),
        ("tflite.predict", ["--model", "/nowhere.tflite"]),
        ("tflite.predict", ["--json", "/nowhere.json"]),
        ("tflite.predict", ["--csv", "tflite"]),
        ("tflite.install", ["--version", "0"]),
    ],
)
def test_an_argument_that_no_machine_could_take_is_2_too(module, arguments, call, parcels, versions):
    """What is well formed and not there, as a month or a version, is 1; what stands in a file is 3."""
    (versions / "row.json").write_text("{}")
    given = [argument.format(row=versions / "row.json") for argument in arguments]
    if module in COMMANDS and not module.endswith("kubeflow_runner"):
        given += ["--problem", parcels, *([] if "--root" in arguments else ["--root", versions])]
    code, said = call(module, *given)
    assert code == Exit.WRONG_SETTING, said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("pipeline.local_runner", "--json"), "BadConfig: --json {file}: expected a file in a folder that exists"),
        (("pipeline.retrain", "--log"), "BadConfig: --log {file} cannot be written: "),
    ],
)
def test_a_file_that_cannot_be_written_is_a_wrong_argument_before_anything_runs(command, message, call, given, tmp_path):
    (module, option), file = command, "/proc/nowhere/file"
    code, said = call(module, *given, option, file)
    assert code == Exit.WRONG_SETTING
    assert message.format(file=file) in said and "Traceback" not in said
    assert not (tmp_path / "runs").exists()
