"""The section `[beam]`, which says how the data-parallel steps run, and the Beam options for it. Imports nothing heavy."""

import re
import socket
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from components.shared.errors import BadConfig
from pipeline.shared.section import SENSITIVE, Section

Runner = Literal["local", "multi_processing", "flink", "spark", "dataflow", "portable"]

# Beam's runner, and its options that are keys of the section.
RUNNERS: dict[Runner, tuple[str, dict[str, str]]] = {
    "local": ("FnApiRunner", {}),  # not Beam's default, which first tries to download a Go binary
    "multi_processing": ("pipeline.beam.worker.MultiProcessingRunner", {"direct_num_workers": "workers"}),
    "flink": ("FlinkRunner", {"flink_master": "endpoint", "parallelism": "workers"}),
    "spark": ("SparkRunner", {"spark_master_url": "endpoint"}),
    "dataflow": (
        "DataflowRunner",
        {name: name for name in ("project", "region", "temp_location")}
        | {"max_num_workers": "workers", "sdk_container_image": "image"},
    ),
    "portable": ("PortableRunner", {"job_endpoint": "endpoint", "parallelism": "workers"}),
}
ENGINES: tuple[Runner, ...] = ("flink", "spark", "portable")  # whose workers are in this process, in a pool or from an image
READS = {name: {*options.values()} for name, (_, options) in RUNNERS.items()}
READS |= {name: READS[name] | {"workers", "worker_pool", "image"} for name in ENGINES}
NEEDS: dict[Runner, tuple[str, ...]] = {"dataflow": ("image", "project", "region", "temp_location"), "portable": ("endpoint",)}
KEYS = {option: key for _, options in RUNNERS.values() for option, key in options.items()} | {
    **dict.fromkeys(("runner", "direct_running_mode"), "runner"),
    **dict.fromkeys(("environment_type", "environment_config"), "worker_pool or image"),
    "sdk_worker_parallelism": "workers",
    "worker_harness_container_image": "image",
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
        return self

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        scheme = SPARK if self.runner == "spark" else ""
        found = re.fullmatch(rf"{scheme}([^/:\s]+):\d+", self.endpoint)
        if self.endpoint and not found:
            raise ValueError(f"endpoint {self.endpoint!r} is not one of {self.runner}; expected {scheme}host:port")
        if found and found[1] not in THIS_MACHINE and not (self.worker_pool or self.image):
            raise ValueError(
                f"the engine at {self.endpoint} cannot reach workers in this process; expected worker_pool or image. "
                f"If it is on this machine, call that {THIS_MACHINE[0]}"
            )
        return self


def arguments(settings: Beam) -> list[str]:
    """Return the Beam options of every Beam node.

    `--sdk_container_image` is always given, if only as "none": else TFX packs itself for each Beam node, which takes seconds
    and leaves 52 MB in /tmp.
    """
    runner, options = RUNNERS[settings.runner]
    here = {"flink": "[local]", "spark": f"local[{settings.workers}]"}  # Beam starts it itself
    values = settings.model_dump() | {"endpoint": settings.endpoint or here.get(settings.runner)}
    further = ["--sdk_container_image=none"]
    if settings.runner in ENGINES:
        further = _environment(settings)
    elif settings.image:
        further = [IMPORT_TFX]
    return [f"--runner={runner}", *(f"--{name}={values[key]}" for name, key in options.items()), *further, *settings.options]


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
