"""Executors that take a moment, for tests of what runs them."""

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.shared.errors import BadConfig, BadData, DataRejected


class Copies(BaseExecutor):
    """Writes what it has read, how it was called, and a property."""

    def Do(self, input_dict, output_dict, exec_properties):
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        with fileio.open(f"{examples.uri}/rows", "r") as rows, fileio.open(f"{statistics.uri}/copy", "w") as copy:
            copy.write(rows.read())
        statistics.set_int_custom_property("rows", exec_properties["rows"])
        statistics.set_string_custom_property("seen", f"{examples.type_name} {examples.span} {examples.split_names}")
        statistics.set_string_custom_property("temporary", self._context._tmp_dir)
        statistics.set_string_custom_property("beam", " ".join(self._context.extra_flags))


class Rejects(BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        raise DataRejected("The data of span 2013-03 are refused: ü is no shop.")


class CannotRead(BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        raise BadData("rows.parquet has no column returned.")


class IsMisconfigured(BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        raise BadConfig("rows = 0; expected more.")


class Breaks(BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        raise ZeroDivisionError("a bug")


class SaysTooMuch(BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        raise DataRejected("." + "ü" * 5000)  # byte 4096 is within a character


class Moves(BaseExecutor):
    """Puts its output where no launcher looks."""

    def Do(self, input_dict, output_dict, exec_properties):
        artifact_utils.get_single_instance(output_dict["statistics"]).uri = "/elsewhere"
