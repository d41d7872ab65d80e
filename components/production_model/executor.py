"""ProductionModel's work: copy the version in production, verified, into the run."""

from pathlib import Path

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.model_store import store
from components.model_store.signature import read_keys
from components.shared.artifacts import NEWEST_MODEL_PROPERTY, NEXT_PROPERTY, VERSION_PROPERTY


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Copy the model. See `ProductionModel`. Raises CorruptModel, SignatureInvalid, VersionNotFound, BadConfig."""
        model = artifact_utils.get_single_instance(output_dict["model"])
        folder, keys = Path(exec_properties["folder"]), read_keys(exec_properties.get("public_key"))
        version, newest = store.production(folder, keys), store.newest(folder, keys)
        model.set_int_custom_property(VERSION_PROPERTY, version.number if version else 0)
        model.set_int_custom_property(NEXT_PROPERTY, newest.number + 1 if newest else 1)
        model.set_string_custom_property(NEWEST_MODEL_PROPERTY, newest.model_digest if newest else "")
        if version:
            # A copy, because a later push may delete the version while this run still compares with it.
            store.copy(version, Path(path_utils.serving_model_path(model.uri)))
