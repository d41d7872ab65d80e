"""The examples in docstrings are true. Only modules that import no TensorFlow."""

import doctest
import importlib

import pytest

MODULES = (
    "components.data_gate.checks",
    "pipeline.adoption.archives",
    "pipeline.adoption.databases",
    "pipeline.adoption.dates",
    "pipeline.adoption.digits",
    "pipeline.adoption.label_column",
    "pipeline.adoption.labels",
    "pipeline.adoption.lakes",
    "pipeline.adoption.profiles",
    "pipeline.adoption.review",
    "pipeline.adoption.table",
    "pipeline.adoption.told",
    "pipeline.config",
    "pipeline.kubeflow.oss",
    "pipeline.local.cron",
    "pipeline.local.progress",
    "pipeline.problem",
    "pipeline.schedule",
    "pipeline.shared.layers",
    "pipeline.views",
    "serving.rows",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)

    assert found.attempted > 0
    assert found.failed == 0
