"""ProductionModel: hands the run the model that users get now, as an artifact."""

import json
from pathlib import Path

from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types.standard_artifacts import Model

from components.model_store import store
from components.production_model.executor import Executor
from components.shared.component import Component, spec
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


class ProductionModel(Component):
    """Reads the push destination; TFX's Resolver asks the metadata store for a blessed model instead.

    So the baseline is what users get, also after a rollback, and the DAG runs where there is no Resolver.

    Args:
        folder: the push destination, with a folder for each version.
        public_key: file of the keys, one of which must have signed the manifest; None (default): no signature is required.

    Outputs:
        model: custom properties: `version`, the number in production, 0 if there is none (the model's folder is empty then);
            `next_version`, the number that is published next; `newest_model`, the digest of the model of the newest version,
            which is not in production if a models.config pins an older one.
    """

    SPEC_CLASS = spec(outputs={"model": Model}, parameters={"folder": str, "public_key": str | None})
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver
