"""What is committed of each problem: its schema fits its features, and its hyperparameters are valid."""

from pathlib import Path

import pytest

from pipeline import config
from pipeline.model import hyperparameters, schema

PROBLEMS = sorted(file.parent for file in Path("data").glob("*/problem.toml"))


@pytest.mark.parametrize("folder", PROBLEMS, ids=lambda folder: folder.name)
def test_the_reviewed_schema_fits_the_features(folder):
    schema.check_reviewed(folder / "schema.pbtxt", config.load(problem=folder).problem)


@pytest.mark.parametrize("folder", PROBLEMS, ids=lambda folder: folder.name)
def test_the_hyperparameters_are_valid(folder):
    assert hyperparameters.read(Path(config.load(problem=folder).train.hyperparameters)).hidden_units
