"""Builds the images and looks into them. Run: `make test-image` (as root, with Debian's buildah; a quarter of an hour, 20 GB).

Where Docker Hub cannot be reached, `make test-image ARGS=--stand-ins` builds what the Dockerfile takes from there: Debian's own
Python for the image python, and Beam's launcher from its source (with debootstrap and Go).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.containers.buildah import Buildah, opened
from tests.containers.dockerfile import REPOSITORY

USER = 65532
INSIDE = Path(__file__).parent / "inside"
IMPORTS = ("tfx", "tensorflow_data_validation", "apache_beam")
HELP = (
    "pipeline.local_runner",
    "pipeline.kubeflow_runner",
    "pipeline.kubeflow.entrypoint",
    "serving.local_server",
    "serving.batch",
)


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 when the images do what they should, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.containers.image_check", description=__doc__)
    parser.add_argument("--stand-ins", action="store_true", help="build the two foreign images instead of pulling them")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    needed = ["buildah", *(["debootstrap", "go"] if options.stand_ins else [])]
    if missing := [program for program in needed if not shutil.which(program)] or (["root"] if os.geteuid() else []):
        console.print(f"Not found: {', '.join(missing)}. Expected to be root, and {', '.join(needed)} on the path.")
        return 1
    with opened(Path(tempfile.mkdtemp(prefix="crosswind-images-"))) as buildah:
        if options.stand_ins:
            buildah.stand_ins()
        console.print("Foreign images: " + ("stand-ins built here" if options.stand_ins else "pulled"))
        return 0 if check(buildah, console) else 1


def check(buildah: Buildah, console: Console) -> bool:
    """Whether each image does what it should; says so line by line."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder)
        shared.chmod(0o777)  # the images' user is nobody here
        steps: list[tuple[str, Callable[[], str]]] = [
            ("pipeline builds", lambda: built(buildah, "pipeline", commit.strip())),
            ("its user, commit and files", lambda: looked_at(buildah, commit.strip())),
            ("imports, and their bytecode", lambda: imported(buildah)),
            ("each --help", lambda: helped(buildah)),
            ("a run publishes a model", lambda: published(buildah, shared)),
            ("worker builds", lambda: built(buildah, "worker", commit.strip())),
            ("Beam's launcher runs statistics", lambda: inside(buildah, "worker", "beam_job.py")),
            ("serving builds", lambda: built(buildah, "serving", commit.strip())),
            ("it serves that model, healthily", lambda: served(buildah, shared)),
        ]
        for name, step in steps:
            try:
                console.print(f"  [green]ok[/]  {name}: {step()}")
            except (AssertionError, subprocess.CalledProcessError) as error:
                console.print(f"  [red bold]failed[/]  {name}: ", end="")
                said = [str(error), getattr(error, "stdout", None), getattr(error, "stderr", None)]
                console.print("\n".join(text for text in said if text), markup=False)
                return False
    return True


def built(buildah: Buildah, target: str, commit: str) -> str:
    return f"{buildah.build(target, commit):.0f} s"


def looked_at(buildah: Buildah, commit: str) -> str:
    settings = buildah.settings("pipeline")
    assert settings["User"] == f"{USER}:{USER}", settings["User"]
    assert settings["Labels"]["org.opencontainers.image.revision"] == commit, settings["Labels"]
    assert f"GIT_COMMIT={commit}" in settings["Env"], settings["Env"]
    return inside(buildah, "pipeline", "look.py")


def imported(buildah: Buildah) -> str:
    return inside(buildah, "pipeline", "bytecode.py", *IMPORTS)


def helped(buildah: Buildah) -> str:
    seconds = []
    for module in HELP:
        output, took = buildah.run("pipeline", "python", "-m", module, "--help")
        assert f"python -m {module}" in output, output
        seconds.append(took)
    return f"{len(HELP)} commands, the slowest in {max(seconds):.1f} s"


def published(buildah: Buildah, shared: Path) -> str:
    """The whole pipeline, on one month of real flights."""
    spans = str(REPOSITORY / "data/flights/spans/2013-01") + ":/spans/2013-01:ro"
    settings = ["data.spans=/spans", "data.window=1", "train.epochs=1"]
    command = ["python", "-m", "pipeline.local_runner", "--root", "/shared/runs"]
    flags = [part for setting in settings for part in ("--set", setting)]
    _, seconds = buildah.run("pipeline", *command, *flags, volumes=(spans, f"{shared}:/shared"))
    assert list(shared.glob("runs/flights/serving/flight_delay/*/saved_model.pb")), "no SavedModel"
    return f"{seconds:.0f} s"


def served(buildah: Buildah, shared: Path) -> str:
    settings = buildah.settings("serving")
    arguments = json.dumps(settings["Entrypoint"]), json.dumps(settings["Healthcheck"]["Test"][1:])
    return inside(buildah, "serving", "serve.py", *arguments, volumes=(f"{shared}/runs/flights/serving:/models:ro",))


def inside(buildah: Buildah, image: str, program: str, *arguments: str, volumes: tuple[str, ...] = ()) -> str:
    """Runs a program of the folder `inside` in an image; its last line."""
    volumes = (*volumes, f"{INSIDE}:/inside:ro")
    output, _ = buildah.run(image, "python", f"/inside/{program}", *arguments, volumes=volumes)
    return output.strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main())
