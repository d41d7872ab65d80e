"""Canary: tries whether a server runs the candidate."""

import json
import shutil
from pathlib import Path

from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types.standard_artifacts import Examples, InfraBlessing, Model, ModelBlessing

from components.canary.checks import ServingLimits
from components.canary.executor import Executor
from components.shared import source_code
from components.shared.component import Component, spec
from components.shared.drivers import CacheKeyDriver, named_files
from components.shared.files import sha256
from components.shared.target import Target


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


class Canary(Component):
    """Does what TFX's InfraValidator does, without Docker, and also compares the answers, the latency and the memory.

    The server is any command with TensorFlow Serving's flags and protocols, so `tensorflow_model_server` fits. A fault of the
    machine fails the node, and refuses no model: see `verdict`.

    Args:
        model, model_blessing: the candidate, and whether the Evaluator blessed it; if not, it is not tried.
        production: the model in production, whose server is asked beside the candidate's; an empty folder if there is none.
        examples: rows of the eval split are the requests.
        columns: raw columns, name to dtype.
        target: what is predicted.
        command: of the server, with {port}, {rest_port}, {name} and {folder}.
        rows: how many are asked for, each over gRPC and over REST.
        load_seconds, answer_seconds: how long loading and an answer may take.
        limits: of latency, memory and difference.

    Outputs:
        blessing: as InfraValidator's; custom properties `blessed` and `reason`; holds `canary.json`, a `CanaryReport`.
    """

    SPEC_CLASS = spec(
        inputs={"model": Model, "production": Model, "model_blessing": ModelBlessing, "examples": Examples},
        outputs={"blessing": InfraBlessing},
        parameters={
            "columns": dict,
            "target": Target,
            "command": list,
            "rows": int,
            "load_seconds": float,
            "answer_seconds": float,
            "limits": ServingLimits,
        },
    )
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver
