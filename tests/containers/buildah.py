"""Buildah, which builds and runs images without a daemon, in a storage of its own."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.containers.dockerfile import REPOSITORY, images

PACKAGES = "python3.11,python3.11-venv,python3-pip,python-is-python3,ca-certificates,netbase,tzdata"
TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
SECONDS = 3600  # after which a program is taken to hang


class Buildah:
    """Commands on the images of one storage. Each raises CalledProcessError when its program fails."""

    def __init__(self, folder: Path) -> None:
        """Args:
        folder: for everything that is written; `opened` makes and removes it.
        """
        self._folder = folder
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/run"\n'
        )
        (folder / "registries.conf").write_text('unqualified-search-registries = ["docker.io"]\n')
        self._environment = os.environ | {
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
            "TMPDIR": str(folder),
        }

    def build(self, target: str, commit: str) -> float:
        """Builds a target of the Dockerfile, named as it is; the seconds it took."""
        begun = time.monotonic()
        arguments = ["--isolation=chroot", "--format=docker", "--layers", f"--target={target}", f"--tag=localhost/{target}"]
        self._run("bud", *arguments, f"--build-arg=GIT_COMMIT={commit}", str(REPOSITORY))
        return time.monotonic() - begun

    def settings(self, image: str) -> dict:
        """What the image says of itself: User, Env, Entrypoint, Healthcheck, Labels, ..."""
        return json.loads(self._run("inspect", "--type=image", f"localhost/{image}"))["Docker"]["config"]

    def run(self, image: str, *command: str, volumes: tuple[str, ...] = (), user: str = "") -> tuple[str, float]:
        """Runs `command` in a new container, as the image's user if no other is named; what it wrote, and its seconds."""
        container = self._run("from", "--pull-never", f"localhost/{image}").strip()
        begun = time.monotonic()
        # The host's name is one that resolves, for Beam's workers dial it.
        options = ["--isolation=chroot", "--hostname=localhost", *(f"--volume={volume}" for volume in volumes)]
        try:
            output = self._run("run", *options, *([f"--user={user}"] if user else []), container, "--", *command)
        finally:
            self._run("rm", container)
        return output, time.monotonic() - begun

    def stand_ins(self) -> None:
        """Takes Debian's Python and a launcher built from Beam's source for the images that the Dockerfile names."""
        worker, python = sorted(images())
        root = self._folder / "debian"
        codename = python.rpartition("-")[2]
        bootstrap = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", codename, str(root)]
        subprocess.run(bootstrap, capture_output=True, check=True, timeout=SECONDS)
        next(root.glob("usr/lib/python3.*/EXTERNALLY-MANAGED")).unlink()  # the python image has none
        shutil.copyfile(TRUSTED, root / TRUSTED.relative_to("/"))  # a proxy's certificate may be among them
        self._commit(root, python, "--env", f"SSL_CERT_FILE={TRUSTED}")
        launcher = self._folder / "launcher"
        (launcher / "opt/apache/beam").mkdir(parents=True)
        version = worker.rpartition(":")[2]
        source = f"github.com/apache/beam/sdks/v2/python/container@v{version}"
        environment = os.environ | {"GOBIN": str(launcher)}
        subprocess.run(["go", "install", source], check=True, capture_output=True, env=environment, timeout=SECONDS)
        (launcher / "container").rename(launcher / "opt/apache/beam/boot")
        self._commit(launcher, worker)

    def _commit(self, root: Path, name: str, *settings: str) -> None:
        container = self._run("from", "scratch").strip()
        subprocess.run(["cp", "-a", f"{root}/.", self._run("mount", container).strip()], check=True, timeout=SECONDS)
        self._run("config", "--os=linux", *settings, container)
        name = name if "/" in name else f"library/{name}"
        self._run("commit", "--quiet", "--rm", container, f"docker.io/{name}")

    def _run(self, *arguments: str) -> str:
        return subprocess.run(
            ["buildah", *arguments], capture_output=True, text=True, check=True, env=self._environment, timeout=SECONDS
        ).stdout

    def close(self) -> None:
        """Removes every container and image, and their mounts."""
        self._run("rm", "--all")
        self._run("rmi", "--all", "--force")


@contextmanager
def opened(folder: Path) -> Iterator[Buildah]:
    """Yields it, and removes `folder` whatever happens."""
    buildah = Buildah(folder)
    try:
        yield buildah
    finally:
        buildah.close()
        shutil.rmtree(folder)
