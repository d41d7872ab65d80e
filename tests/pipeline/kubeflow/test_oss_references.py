"""References of a spec. test_oss.py plants the faults; here is what is no fault."""

import copy

import pytest

from pipeline.kubeflow import oss


@pytest.fixture
def spec() -> dict:
    """One task with an input that may be left out, and one that has a default."""
    return {
        "root": {"dag": {"tasks": {"a": {"componentRef": {"name": "comp-a"}, "inputs": {}}}}},
        "components": {
            "comp-a": {
                "executorLabel": "exec-a",
                "inputDefinitions": {
                    "artifacts": {"model": {"isOptional": True}},
                    "parameters": {"rows": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3}},
                },
            }
        },
        "deploymentSpec": {"executors": {"exec-a": {}}},
    }


def test_what_is_optional_or_has_a_default_may_be_left_out(spec):
    assert oss.problems(spec) == []


def test_what_is_needed_may_not(spec):
    spec["components"]["comp-a"]["inputDefinitions"]["artifacts"]["model"] = {}
    assert oss.problems(spec) == ["a needs model, and nothing is given"]


def test_a_condition_may_ask_for_what_is_given_to_it_alone(spec):
    task = spec["root"]["dag"]["tasks"]["a"]
    task["triggerPolicy"] = {"condition": "inputs.artifacts['_A.x'].artifacts[0].metadata['y'] == 1"}
    assert oss.problems(spec) == ["the condition of a asks for _A.x, which it is not given"]
    task["inputs"]["artifacts"] = {"_A.x": {"taskOutputArtifact": {"producerTask": "b", "outputArtifactKey": "x"}}}
    spec["root"]["dag"]["tasks"]["b"] = {"componentRef": {"name": "comp-b"}}
    spec["components"]["comp-b"] = {"executorLabel": "exec-a", "outputDefinitions": {"artifacts": {"x": {}}}}
    spec["components"]["comp-a"]["inputDefinitions"]["artifacts"]["_A.x"] = {}
    assert oss.problems(spec) == []


@pytest.mark.parametrize("victim", ["span-example-gen", "trainer", "evaluator"])
def test_a_task_taken_out_of_the_real_pipeline_is_missed_by_all_who_need_it(package, victim):
    whole = copy.deepcopy(package.spec)
    tasks = whole["components"]["comp-nodes"]["dag"]["tasks"]
    del tasks[victim]
    missed = {
        f"{name} takes {key} from {victim}, which is not there"
        for name, task in tasks.items()
        for key, source in task["inputs"].get("artifacts", {}).items()
        if source["taskOutputArtifact"]["producerTask"] == victim
    }
    assert missed
    assert missed <= set(oss.problems(whole))
