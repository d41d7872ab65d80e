"""A driver that adds to TFX's cache key what a node depends on besides its inputs and parameters."""

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_driver
from tfx.orchestration.portable import base_driver as portable_base_driver
from tfx.proto.orchestration import driver_output_pb2

from components.shared import source_code
from components.shared.files import sha256

OUTSIDE = "outside"  # the property in which executors get what `CacheKeyDriver.outside` returned


class CacheKeyDriver(base_driver.BaseDriver, portable_base_driver.BaseDriver):
    """Completes TFX's cache key, which has the path of a file and the name of code, and so would miss an edit of either.

    Added are the content of each file that a parameter names, the source of the node's component, and the libraries'
    releases. A node that reads more of the outside world has a driver of its own that says what.

    Drivers run in LocalDagRunner. Where an orchestrator ignores them (Kubeflow), nothing must be cached.
    """

    def __init__(self, metadata_handle):
        # TFX accepts as a component's driver only subclasses of the first, and runs only subclasses of the second.
        base_driver.BaseDriver.__init__(self, metadata_handle)
        portable_base_driver.BaseDriver.__init__(self, metadata_handle)

    def outside(self, exec_properties: dict[str, Any]) -> str:
        """Return what else decides the node's output, such as the content of a folder."""
        return ""

    def run(self, execution_info) -> driver_output_pb2.DriverOutput:
        added = {
            OUTSIDE: self.outside(execution_info.exec_properties),
            "files": json.dumps(named_files(execution_info.exec_properties)),
            "source": source_code.at_start(execution_info.pipeline_node.node_info.type.name),
            "libraries": json.dumps(source_code.versions()),
        }
        output = driver_output_pb2.DriverOutput()
        for name, text in added.items():
            output.exec_properties[name].string_value = text
        return output


class NeverCached(CacheKeyDriver):
    """Makes each launch unique."""

    def outside(self, exec_properties: dict[str, Any]) -> str:
        return uuid.uuid4().hex


def named_files(exec_properties: Mapping[str, Any]) -> dict[str, str]:
    """Compute the SHA-256 of each file that a parameter names, by parameter. The executor reports one that it may not read."""
    texts = {name: value for name, value in sorted(exec_properties.items()) if isinstance(value, str)}
    return {
        name: sha256(Path(text))
        for name, text in texts.items()
        if os.path.isfile(text) and os.access(text, os.R_OK)  # noqa: PTH113 (a Path raises where the text is too long for a name)
    }
