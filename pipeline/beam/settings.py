"""The section `[beam]`, which says how the data-parallel steps run, and the Beam options for it. Imports nothing heavy."""

import re
import socket
from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from components.shared.errors import BadConfig
from pipeline.shared.section import SENSITIVE, Section

Runner = Literal["local", "multi_processing", "flink", "spark", "dataflow", "portable"]

# The keys that a runner reads, and those that it needs.
ENGINE = frozenset({"workers", "endpoint", "worker_pool", "image"})
READS: dict[Runner, frozenset[str]] = {
    "local": frozenset(),
    "multi_processing": frozenset({"workers"}),
    "flink": ENGINE,
    "spark": ENGINE,
    "dataflow": frozenset({"workers", "image", "project", "region", "temp_location"}),
    "portable": ENGINE,
}
NEEDS: dict[Runner, tuple[str, ...]] = {"dataflow": ("image", "project", "region", "temp_location"), "portable": ("endpoint",)}
# Beam's options that a key sets.
KEYS = {
    **dict.fromkeys(("runner", "direct_running_mode"), "runner"),
    **dict.fromkeys(("direct_num_workers", "parallelism", "sdk_worker_parallelism", "max_num_workers"), "workers"),
    **dict.fromkeys(("job_endpoint", "flink_master", "spark_master_url"), "endpoint"),
    **dict.fromkeys(("environment_type", "environment_config"), "worker_pool or image"),
    **dict.fromkeys(("sdk_container_image", "worker_harness_container_image"), "image"),
    **{name: name for name in ("project", "region", "temp_location")},
}
SPARK = "spark://"
ANSWER_SECONDS = 10.0
THIS_MACHINE = ("localhost", "127.0.0.1")
IMPORT_TFX = "--beam_plugin=tfx"  # what a worker imports first, since TensorFlow Data Validation needs it


class Beam(Section):
    """Which engine runs the Beam nodes, and where their code runs."""

    runner: Runner = Field(description="local: this process; multi_processing: `workers` of it; else an engine of its own")
    workers: int = Field(
        ge=1, le=1000, description="processes, Flink's parallelism, threads of a local Spark, Dataflow's maximum"
    )
    endpoint: str = Field(
        description="of a portable job server (host:port), Flink's REST API (the same) or a Spark master (spark://host:port); "
        "empty: Beam starts Flink or Spark itself"
    )
    worker_pool: str = Field(
        pattern=r"^([^/:\s]+:\d+)?$",
        description="host:port of a `python -m pipeline.beam_worker_pool`, as the engine sees it; empty: this process or image",
    )
    image: str = Field(description="container image that the engine starts workers from: this project's")
    project: str = Field(description="Google Cloud project that pays for Dataflow")
    region: str = Field(description="of Dataflow, such as us-central1")
    temp_location: str = Field(pattern=r"^(gs://.+)?$", description="gs:// folder for Dataflow's temporary files")
    options: Annotated[list[str], SENSITIVE] = Field(
        description="further options of Beam or its runner, as they are: --name or --name=value"
    )

    @field_validator("options")
    @classmethod
    def _are_further(cls, options: list[str]) -> list[str]:
        for option in options:
            if not (found := re.fullmatch(r"--([a-zA-Z]\w*)(=.*)?", option, re.DOTALL)):
                raise ValueError(f"{option.partition('=')[0]!r} is not understood; expected --name or --name=value")
            if found[1] in KEYS:
                raise ValueError(f"--{found[1]} contradicts what the section says; set {KEYS[found[1]]} of [beam] instead")
        return options

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        texts = ("endpoint", "worker_pool", "image", "project", "region", "temp_location")
        given = {key for key in texts if getattr(self, key)} | ({"workers"} if self.workers > 1 else set())
        if unread := sorted(given - READS[self.runner]):
            readers = ", ".join(runner for runner, keys in READS.items() if set(unread) <= keys)
            raise ValueError(f"runner {self.runner} does not read {', '.join(unread)}; leave it out, or choose {readers}")
        if missing := [key for key in NEEDS.get(self.runner, ()) if key not in given]:
            raise ValueError(f"runner {self.runner} needs {', '.join(missing)}")
        if self.worker_pool and self.image:
            raise ValueError("worker_pool and image are two places for the same workers; expected one of them")
        if self.endpoint:
            self._can_be_reached()
        return self

    def _can_be_reached(self) -> None:
        scheme = SPARK if self.runner == "spark" else ""
        if not (found := re.fullmatch(rf"{scheme}([^/:\s]+):\d+", self.endpoint)):
            raise ValueError(f"endpoint {self.endpoint!r} is not one of {self.runner}; expected {scheme}host:port")
        if found[1] not in THIS_MACHINE and not (self.worker_pool or self.image):
            raise ValueError(
                f"the engine at {self.endpoint} cannot reach workers in this process; expected worker_pool or image. "
                f"If it is on this machine, call that {THIS_MACHINE[0]}"
            )


def arguments(settings: Beam) -> list[str]:
    """Return the Beam options of every Beam node.

        `--sdk_container_image` is always given, if only as "none": else TFX packs itself for each Beam node, which takes
    seconds and leaves 52 MB in /tmp. Beam's own default runner is not used: it first tries to download a Go binary.
    """
    return [*_RUNNERS[settings.runner](settings), *settings.options]


def check_here(settings: Beam) -> None:
    """Check that a run on this machine, which keeps its files here, can use these settings.

    Raises:
        BadConfig: the workers would be in containers or in a cloud, which see other files; or no engine answers.
    """
    if settings.image:
        raise BadConfig(
            f"beam.runner = {settings.runner!r} starts workers from the image {settings.image}, which do not see the folders "
            "that a local run reads and writes. Use `python -m pipeline.kubeflow_runner` with gs:// folders, or "
            "another beam.runner: local, multi_processing, or flink, spark or portable without beam.image."
        )
    if settings.endpoint:
        host, _, port = settings.endpoint.removeprefix(SPARK).rpartition(":")
        try:
            socket.create_connection((host, int(port)), ANSWER_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise BadConfig(
                f"beam.endpoint = {settings.endpoint!r} does not answer: {error}. "
                f"Start the engine there, or leave beam.endpoint empty and say beam.runner = 'local'."
            ) from error


def _multi_processing(settings: Beam) -> list[str]:
    return [
        "--runner=pipeline.beam.worker.MultiProcessingRunner",
        f"--direct_num_workers={settings.workers}",
        "--sdk_container_image=none",
    ]


def _flink(settings: Beam) -> list[str]:
    return [
        "--runner=FlinkRunner",
        f"--flink_master={settings.endpoint or '[local]'}",
        f"--parallelism={settings.workers}",
        *_environment(settings),
    ]


def _spark(settings: Beam) -> list[str]:
    master = settings.endpoint or f"local[{settings.workers}]"
    return ["--runner=SparkRunner", f"--spark_master_url={master}", *_environment(settings)]


def _portable(settings: Beam) -> list[str]:
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={settings.endpoint}",
        f"--parallelism={settings.workers}",
        *_environment(settings),
    ]


def _dataflow(settings: Beam) -> list[str]:
    return [
        "--runner=DataflowRunner",
        f"--project={settings.project}",
        f"--region={settings.region}",
        f"--temp_location={settings.temp_location}",
        f"--max_num_workers={settings.workers}",
        f"--sdk_container_image={settings.image}",
        IMPORT_TFX,
    ]


def _environment(settings: Beam) -> list[str]:
    """Return the options that say where an engine's workers run."""
    if settings.image:
        image = settings.image
        return ["--environment_type=DOCKER", f"--environment_config={image}", f"--sdk_container_image={image}", IMPORT_TFX]
    if settings.worker_pool:
        return [
            "--environment_type=EXTERNAL",
            f"--environment_config={settings.worker_pool}",
            f"--sdk_worker_parallelism={settings.workers}",
            "--sdk_container_image=none",
        ]
    return ["--environment_type=LOOPBACK", "--sdk_container_image=none"]


_RUNNERS: dict[Runner, Callable[[Beam], list[str]]] = {
    "local": lambda _: ["--runner=FnApiRunner", "--sdk_container_image=none"],
    "multi_processing": _multi_processing,
    "flink": _flink,
    "spark": _spark,
    "dataflow": _dataflow,
    "portable": _portable,
}
