"""A driver that adds to the cache key what a node reads from outside the pipeline."""

from abc import abstractmethod
from typing import Any

from tfx.dsl.components.base import base_driver
from tfx.orchestration.portable import base_driver as portable_base_driver
from tfx.proto.orchestration import driver_output_pb2


class CacheKeyDriver(base_driver.BaseDriver, portable_base_driver.BaseDriver):
    """TFX caches by inputs and parameters; a folder's content is neither.

    Drivers run in LocalDagRunner. Where an orchestrator ignores them (Kubeflow), nodes with one must not be cached.
    """

    def __init__(self, metadata_handle):
        # TFX accepts as a component's driver only subclasses of the first, and runs only subclasses of the second.
        base_driver.BaseDriver.__init__(self, metadata_handle)
        portable_base_driver.BaseDriver.__init__(self, metadata_handle)

    @abstractmethod
    def cache_key(self, exec_properties: dict[str, Any]) -> str:
        """What, beside inputs and parameters, decides the node's output."""

    def run(self, execution_info) -> driver_output_pb2.DriverOutput:
        output = driver_output_pb2.DriverOutput()
        output.exec_properties["cache_key"].string_value = self.cache_key(execution_info.exec_properties)
        return output
