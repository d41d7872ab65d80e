"""The real pipeline, compiled, and settings for it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.kubeflow.compiled import compiled, write
from pipeline.shared.kubeflow import Kubeflow
from tests.pipeline import checkout
from tests.pipeline.checkout import configured
from tests.pipeline.kubeflow.api_stub import Api


@dataclass(frozen=True)
class Package:
    """What `compile` writes, read back. Tests that change a document change a copy.

    Attributes:
        spec: a PipelineSpec.
        platform: a PlatformSpec.
    """

    path: Path
    spec: dict[str, Any]
    platform: dict[str, Any]


def package_of(path: Path, *settings: str) -> Package:
    """Compiles the made problem's pipeline with these settings."""
    with checkout.inside():
        write(compiled(configured(*settings), "commit"), path)
    return Package(path, *yaml.safe_load_all(path.read_text(encoding="utf-8")))


def kubeflow_settings(**changes: object) -> Kubeflow:
    """The default section with these keys changed."""
    return Kubeflow.model_validate(configured().kubeflow.model_dump(exclude_unset=True) | changes)


def at(api: Api, **changes: object) -> Kubeflow:
    """The default settings, with the stub as host."""
    return kubeflow_settings(host=api.address, **changes)
