"""From TFX's spec to one for the open-source backend; each planted fault is refused by name."""

import copy
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.shared.errors import NotRunnable
from pipeline.kubeflow.oss import ARGO_NAME, task_name, to_oss

COMMAND = ["python", "-m", "entry"]


def component(label: str, outputs: tuple[str, ...] = (), **inputs: str) -> dict:
    kinds = {"artifacts": "artifactType", "parameters": "parameterType"}
    stated = {kind: {key: {kinds[kind]: {}} for key, each in inputs.items() if each == kind} for kind in kinds}
    return {
        "executorLabel": label,
        "inputDefinitions": {kind: keys for kind, keys in stated.items() if keys},
        "outputDefinitions": {"artifacts": {key: {} for key in outputs}},
    }


def taken(producer: str, key: str) -> dict:
    return {"taskOutputArtifact": {"producerTask": producer, "outputArtifactKey": key}}


def tfx_spec() -> dict:
    """Two tasks as TFX names them: SpanGen gives examples to Model_Trainer, which has a condition on them."""
    container = {"image": "i", "command": ["tfx"], "args": ["{{$}}"], "lifecycle": {"preCacheCheck": {"command": ["driver"]}}}
    trainer = {
        "taskInfo": {"name": "Model_Trainer"},
        "componentRef": {"name": "Model_Trainer"},
        "dependentTasks": ["SpanGen"],
        "cachingOptions": {"enableCache": True},
        "inputs": {
            "artifacts": {"examples": taken("SpanGen", "examples")},
            "parameters": {"epochs": {"runtimeValue": {"constant": 3}}},
        },
        "triggerPolicy": {"condition": "inputs.artifacts['examples'].artifacts[0].metadata['span'] == 1"},
    }
    return {
        "schemaVersion": "2.1.0",
        "root": {
            "inputDefinitions": {"parameters": {"span": {"parameterType": "STRING"}}},
            "dag": {
                "tasks": {
                    "SpanGen": {
                        "taskInfo": {"name": "SpanGen"},
                        "componentRef": {"name": "SpanGen"},
                        "inputs": {"parameters": {"span": {"componentInputParameter": "span"}}},
                    },
                    "Model_Trainer": trainer,
                }
            },
        },
        "components": {
            "SpanGen": component("SpanGen_executor", ("examples",), span="parameters"),
            "Model_Trainer": component("Model_Trainer_executor", examples="artifacts", epochs="parameters"),
        },
        "deploymentSpec": {
            "executors": {
                "SpanGen_executor": {"container": copy.deepcopy(container)},
                "Model_Trainer_executor": {"container": container},
            }
        },
    }


def converted(spec: dict) -> dict:
    return to_oss(spec, COMMAND, {"span": "newest"}, "gs://bucket/root")


def test_names_are_changed_wherever_they_stand():
    spec = converted(tfx_spec())
    tasks = spec["root"]["dag"]["tasks"]
    assert list(tasks) == [task["taskInfo"]["name"] for task in tasks.values()] == ["span-gen", "model-trainer"]
    assert tasks["model-trainer"]["dependentTasks"] == ["span-gen"]
    assert tasks["model-trainer"]["inputs"]["artifacts"]["examples"] == taken("span-gen", "examples")
    assert tasks["model-trainer"]["componentRef"] == {"name": "comp-model-trainer"}
    assert spec["components"]["comp-model-trainer"]["executorLabel"] == "exec-model-trainer"
    assert list(spec["deploymentSpec"]["executors"]) == ["exec-span-gen", "exec-model-trainer"]
    names = {name for name in ("SpanGen", "Model_Trainer") if name in str(spec)}
    assert not names


def test_no_cache_no_hook_our_command_and_the_lost_default():
    spec = converted(tfx_spec())
    assert [task["cachingOptions"] for task in spec["root"]["dag"]["tasks"].values()] == [{}, {}]
    for executor in spec["deploymentSpec"]["executors"].values():
        assert executor == {"container": {"image": "i", "command": COMMAND, "args": ["{{$}}"]}}
    assert spec["root"]["inputDefinitions"]["parameters"]["span"]["defaultValue"] == "newest"
    assert spec["defaultPipelineRoot"] == "gs://bucket/root"


def test_the_spec_that_is_given_stays_as_it_is():
    given_spec = tfx_spec()
    converted(given_spec)
    assert given_spec == tfx_spec()


def trainer(spec: dict) -> dict:
    return spec["root"]["dag"]["tasks"]["Model_Trainer"]


def executor_of(spec: dict, executor: dict) -> None:
    spec["deploymentSpec"]["executors"]["SpanGen_executor"] = executor


def renamed(spec: dict, name: str) -> None:
    """The node Model_Trainer has another name, as if TFX had compiled it so."""
    task = spec["root"]["dag"]["tasks"].pop("Model_Trainer")
    task["taskInfo"]["name"] = task["componentRef"]["name"] = name
    spec["root"]["dag"]["tasks"][name] = task
    spec["components"][name] = spec["components"].pop("Model_Trainer")


FAULTS = {
    "a resolver": (
        lambda spec: executor_of(spec, {"resolver": {"outputArtifactQueries": {}}}),
        "SpanGen_executor is a resolver; expected a container",
    ),
    "a custom job": (
        lambda spec: executor_of(spec, {"customJob": {"customJob": {}}}),
        "SpanGen_executor is a customJob; expected a container",
    ),
    "an empty executor": (lambda spec: executor_of(spec, {}), "SpanGen_executor is a nothing"),
    "an unknown producer": (
        lambda spec: trainer(spec)["inputs"]["artifacts"].update(examples=taken("Nobody", "examples")),
        "model-trainer takes examples from nobody, which is not there",
    ),
    "an unknown output": (
        lambda spec: trainer(spec)["inputs"]["artifacts"].update(examples=taken("SpanGen", "rows")),
        "model-trainer takes examples from span-gen, which has no output rows",
    ),
    "TFX's name for the producer of a dynamic property": (
        lambda spec: trainer(spec)["inputs"]["parameters"].update(
            epochs={"taskOutputParameter": {"producerTask": "SpanGen_task", "outputParameterKey": "epochs"}}
        ),
        "model-trainer takes epochs from span-gen-task, which is not there",
    ),
    "an unknown output parameter": (
        lambda spec: trainer(spec)["inputs"]["parameters"].update(
            epochs={"taskOutputParameter": {"producerTask": "SpanGen", "outputParameterKey": "epochs"}}
        ),
        "model-trainer takes epochs from span-gen, which has no output epochs",
    ),
    "an artifact that is not given": (
        lambda spec: trainer(spec)["inputs"]["artifacts"].clear(),
        "model-trainer needs examples, and nothing is given",
    ),
    "a parameter that is not given": (
        lambda spec: trainer(spec)["inputs"]["parameters"].clear(),
        "model-trainer needs epochs, and nothing is given",
    ),
    "a parameter without a value": (
        lambda spec: trainer(spec)["inputs"]["parameters"].update(epochs={"runtimeValue": {}}),
        "model-trainer takes epochs from nowhere",
    ),
    "an input that is not declared": (
        lambda spec: trainer(spec)["inputs"]["artifacts"].update(schema=taken("SpanGen", "examples")),
        "model-trainer is given schema, which its component does not take",
    ),
    "a missing component": (
        lambda spec: spec["components"].pop("Model_Trainer"),
        "model-trainer is a comp-model-trainer, which is not there",
    ),
    "a missing executor": (
        lambda spec: spec["deploymentSpec"]["executors"].pop("Model_Trainer_executor"),
        "component comp-model-trainer has the executor exec-model-trainer, which is not there",
    ),
    "an unknown dependent task": (
        lambda spec: trainer(spec)["dependentTasks"].append("Gate"),
        "model-trainer waits for gate, which is not there",
    ),
    "a text that Argo would replace": (
        lambda spec: trainer(spec)["inputs"]["parameters"].update(epochs={"runtimeValue": {"constant": "{{epochs}}"}}),
        "model-trainer takes epochs as a text with {{ in it",
    ),
    "a condition on an input that is not given": (
        lambda spec: trainer(spec).update(triggerPolicy={"condition": "inputs.artifacts['_Drift.report'].artifacts[0]"}),
        "the condition of model-trainer asks for _Drift.report, which it is not given",
    ),
    "an unknown parameter of the pipeline": (
        lambda spec: trainer(spec)["inputs"]["parameters"].update(epochs={"componentInputParameter": "epochs"}),
        "model-trainer takes epochs from the pipeline's parameter epochs, which is not there",
    ),
    "a parameter of the pipeline that nobody takes": (
        lambda spec: spec["root"].pop("inputDefinitions"),
        "No node takes the pipeline's span",
    ),
    "two nodes of one name": (
        lambda spec: renamed(spec, "Span_Gen"),
        "Two nodes would be called span-gen, one of them Span_Gen",
    ),
    "a long name": (lambda spec: renamed(spec, "T" + "x" * 63), "expected 63 of a-z, A-Z, 0-9 and - at most"),
    "a name that begins with a dash": (lambda spec: renamed(spec, "_Trainer"), "_Trainer would be called -"),
    "a name with a dot": (lambda spec: renamed(spec, "my.Trainer"), "my.Trainer would be called my.trainer"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refused_by_name(fault):
    plant, message = FAULTS[fault]
    spec = tfx_spec()
    plant(spec)
    with pytest.raises(NotRunnable) as caught:
        converted(spec)
    assert message in str(caught.value)


def test_several_faults_are_told_at_once():
    spec = tfx_spec()
    trainer(spec)["inputs"]["artifacts"].clear()
    trainer(spec)["dependentTasks"].append("Gate")
    with pytest.raises(NotRunnable, match=r"\n- model-trainer waits for gate.*\n- model-trainer needs examples"):
        converted(spec)


def test_an_importer_stays_one():
    spec = tfx_spec()
    executor_of(spec, {"importer": {"artifactUri": {"constant": "gs://bucket/schema"}}})
    assert "importer" in converted(spec)["deploymentSpec"]["executors"]["exec-span-gen"]


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ("SpanExampleGen", "span-example-gen"),
        ("MobilePublisher", "mobile-publisher"),
        ("TFLiteExporter", "tf-lite-exporter"),
        ("Trainer.v2", "trainer.v2"),
        ("latest_model", "latest-model"),
        ("CsvExampleGen2", "csv-example-gen2"),
    ],
)
def test_names_of_tasks(node, name):
    assert task_name(node) == name


words = st.builds(
    str.__add__, st.sampled_from(string.ascii_uppercase), st.text(string.ascii_letters + string.digits, max_size=7)
)
identifiers = st.lists(words, min_size=1, max_size=4).map("".join)


@given(identifiers)
def test_the_name_of_any_class_is_argos_and_the_same_when_named_again(node):
    name = task_name(node)
    assert ARGO_NAME.fullmatch(name)
    assert task_name(name) == name
    assert name.replace("-", "") == node.lower()
