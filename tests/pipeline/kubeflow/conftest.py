"""One package for many tests."""

import pytest

from tests.pipeline.kubeflow.packages import Package, package_of


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Compiled with the default configuration."""
    return package_of(tmp_path_factory.mktemp("package") / "pipeline.yaml")
