"""ProductionModel: hands the run the model that users get now, as an artifact."""

import json
from pathlib import Path

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.model_store import store
from components.production_model import executor
from components.shared.drivers import CacheKeyDriver
from components.shared.files import files_below, sha256


class Driver(CacheKeyDriver):
    """Adds to the cache key what is in production, which a push or a rollback changes, and what is newest."""

    def outside(self, exec_properties) -> str:
        folder = Path(exec_properties["folder"])
        return json.dumps([_content(store.production(folder)), _content(store.newest(folder))])


def _content(version: store.Version | None) -> tuple[int, dict[str, str]] | None:
    """Return its number, and the sum of each file and of the signature, so that later changes count too."""
    if version is None:
        return None
    return version.number, {str(path): sha256(version.folder / path) for path in files_below(version.folder)}


class ProductionModelSpec(component_spec.ComponentSpec):
    INPUTS: dict = {}
    OUTPUTS = {"model": component_spec.ChannelParameter(type=standard_artifacts.Model)}
    PARAMETERS = {
        "folder": component_spec.ExecutionParameter(type=str),
        "public_key": component_spec.ExecutionParameter(type=str, optional=True),
    }


class ProductionModel(base_component.BaseComponent):
    """Reads the push destination; TFX's Resolver asks the metadata store for a blessed model instead.

    So the baseline is what users get, also after a rollback, and the DAG runs where there is no Resolver.

    Outputs:
        model: `Model`. Custom properties: `version`, the number in production, 0 if there is none (the model's folder is
            empty then); `next_version`, the number that is published next; `newest_model`, the digest of the model of the
            newest version, which is not in production if a models.config pins an older one.
    """

    SPEC_CLASS = ProductionModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
    DRIVER_CLASS = Driver

    def __init__(self, folder: str, public_key: str | None = None):
        """Args:
        folder: the push destination, with a folder for each version.
        public_key: file of the keys, one of which must have signed the manifest; None (default): no signature is required.
        """
        model = channel.Channel(type=standard_artifacts.Model)
        super().__init__(ProductionModelSpec(folder=folder, public_key=public_key, model=model))
