"""ProductionModel's work: copies the version in production, verified, into the run."""

from pathlib import Path

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.publisher import store
from components.publisher.signature import read_keys

VERSION_PROPERTY = "version"  # 0: nothing is in production


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """See `ProductionModel`. Raises CorruptModel, SignatureInvalid, BadConfig."""
        model = artifact_utils.get_single_instance(output_dict["model"])
        version = store.production(Path(exec_properties["folder"]), read_keys(exec_properties.get("public_key")))
        model.set_int_custom_property(VERSION_PROPERTY, version.number if version else 0)
        if version:
            # A copy, because a later push may delete the version while this run still compares with it.
            store.copy(version, Path(path_utils.serving_model_path(model.uri)))
