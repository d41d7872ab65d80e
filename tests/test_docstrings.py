"""The examples in docstrings are true. Only modules that import no TensorFlow."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["pipeline.kubeflow.oss", "pipeline.local.cron", "pipeline.local.progress", "serving.rows"])
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)

    assert found.attempted > 0
    assert found.failed == 0
