"""Canary: tries whether a server runs the candidate."""

import json
import shutil
from pathlib import Path

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from components.canary import executor
from components.canary.checks import ServingLimits
from components.shared import source_code
from components.shared.drivers import CacheKeyDriver, named_files
from components.shared.files import sha256


class Driver(CacheKeyDriver):
    """Adds the server to the cache key: the source of the module that the command runs, or its program.

    Each file that the command names is added too, as `server.py` or `--batching_parameters_file=batching.txt`. All count as
    they are now, not at the start of the run: the server is a process of its own, which reads them now.
    """

    def outside(self, exec_properties) -> str:
        command = json.loads(exec_properties["command"])
        names = [name for part in command[1:] for name in (part, part.partition("=")[2])]
        files = named_files({name: name for name in names})
        return "\n".join([_program(command), *(f"{name} {digest}" for name, digest in files.items())])


def _program(command: list[str]) -> str:
    if "-m" in command[:-1]:
        return source_code.digest(command[command.index("-m") + 1])
    program = shutil.which(command[0])
    return sha256(Path(program)) if program else ""


class CanarySpec(component_spec.ComponentSpec):
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "production": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)}
    PARAMETERS = {
        "columns": component_spec.ExecutionParameter(type=str),
        "command": component_spec.ExecutionParameter(type=str),
        "rows": component_spec.ExecutionParameter(type=int),
        "load_seconds": component_spec.ExecutionParameter(type=float),
        "answer_seconds": component_spec.ExecutionParameter(type=float),
        "limits": component_spec.ExecutionParameter(type=str),
    }


class Canary(base_component.BaseComponent):
    """Does what TFX's InfraValidator does, without Docker, and also compares the answers, the latency and the memory.

    The server is any command with TensorFlow Serving's flags and protocols, so `tensorflow_model_server` fits. A fault of the
    machine fails the node, and refuses no model: see `verdict`.

    Outputs:
        blessing: `InfraBlessing`, as InfraValidator's; custom properties `blessed` and `reason`; holds `canary.json`, a
            `CanaryReport`.
    """

    SPEC_CLASS = CanarySpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        *,
        model: channel.BaseChannel,
        production: channel.BaseChannel,
        model_blessing: channel.BaseChannel,
        examples: channel.BaseChannel,
        columns: dict[str, str],
        command: list[str],
        rows: int,
        load_seconds: float,
        answer_seconds: float,
        limits: ServingLimits,
    ):
        """Args:
        model, model_blessing: the candidate, and whether the Evaluator blessed it; if not, it is not tried.
        production: the model in production, whose server is asked beside the candidate's; an empty folder if there is none.
        examples: rows of the eval split are the requests.
        columns: raw columns, name to dtype.
        command: of the server, with {port}, {rest_port}, {name} and {folder}.
        rows: how many are asked for, each over gRPC and over REST.
        load_seconds, answer_seconds: how long loading and an answer may take.
        limits: of latency, memory and difference.
        """
        super().__init__(
            CanarySpec(
                model=model,
                production=production,
                model_blessing=model_blessing,
                examples=examples,
                columns=json.dumps(columns),
                command=json.dumps(command),
                rows=rows,
                load_seconds=load_seconds,
                answer_seconds=answer_seconds,
                limits=limits.model_dump_json(),
                blessing=channel.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
