"""One package for many tests, and a stub of KFP's API."""

import kfp
import pytest

from tests.pipeline.kubeflow.api_stub import api_server
from tests.pipeline.kubeflow.packages import Package, package_of

VARIABLES = ("KF_PIPELINES_ENDPOINT", "KF_PIPELINES_UI_ENDPOINT", "KF_PIPELINES_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH")


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Compiled with the default configuration."""
    return package_of(tmp_path_factory.mktemp("package") / "pipeline.yaml")


@pytest.fixture
def api(monkeypatch, tmp_path):
    """With neither this user's context of KFP nor this shell's variables."""
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with api_server() as server:
        yield server
