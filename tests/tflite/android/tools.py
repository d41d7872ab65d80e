"""Programs and Maven artifacts that the Android checks need: pinned, verified, and named when they are missing."""

import shutil
import subprocess
from pathlib import Path

from components.shared.errors import CrosswindError
from components.shared.files import sha256

PROGRAMS = {  # program -> Debian package
    "javac": "default-jdk-headless",
    "keytool": "default-jdk-headless",
    "mvn": "maven",
    "aapt2": "aapt",
    "zipalign": "zipalign",
    "apksigner": "apksigner",
}
ARTIFACTS = {  # in Maven Central: group:name:version:kind, and its SHA-256
    "android-all": (
        "org.robolectric:android-all:16-robolectric-13921718-2:jar",
        "ead18e465e8a4c2b93a59d7d7a68c1830f3cd8f1b6bcdfd96f45d658ba979ce3",
    ),
    "kotlin-stdlib": (
        "org.jetbrains.kotlin:kotlin-stdlib:2.3.21:jar",
        "6f64eac736db9434dd6925b4a518b9d1d17177652320c37916cf9ba3ce7d7d7a",
    ),
    "r8": ("com.android.tools:r8:9.5.28:jar", "38a9ffaaebbd17d1514e3ecbff5a85b989bb13c551b9e224c7409514eea84ff5"),
    # The last TFLite there is: 2.17 only points to LiteRT on Google's Maven.
    "tensorflow-lite": (
        "org.tensorflow:tensorflow-lite:2.16.1:aar",
        "34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e",
    ),
    "tensorflow-lite-api": (
        "org.tensorflow:tensorflow-lite-api:2.16.1:aar",
        "885b95bc9e47a4aa5cf8e71523aed9b05e397cfef1ea09773f13fea8b649fcee",
    ),
}
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy"
SECONDS = 3600  # after which a program is taken to hang: Maven may have everything to fetch


class ToolMissing(LookupError, CrosswindError):
    """A program or an artifact that the Android checks need is not there."""


class ToolFailed(RuntimeError, CrosswindError):
    """A program of the Android build said no."""


def require() -> None:
    """Raises ToolMissing, naming every program that is not there and the Debian package it comes in."""
    if missing := {program: package for program, package in PROGRAMS.items() if not shutil.which(program)}:
        raise ToolMissing(
            f"{', '.join(missing)} not found; expected on the PATH for the Android checks. "
            f"Install with `apt-get install {' '.join(sorted(set(missing.values())))}`."
        )


def run(*command: str | Path) -> str:
    """What a program prints. Raises ToolFailed with all of it when it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        raise ToolFailed(f"{command[0]} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def artifact(name: str, folder: Path) -> Path:
    """One of ARTIFACTS, copied to `folder` by Maven unless it is there.

    Raises:
        ToolMissing: Maven cannot get it, or gets another one than was pinned.
    """
    coordinates, digest = ARTIFACTS[name]
    _, _, version, kind = coordinates.split(":")
    path = folder / f"{name}-{version}.{kind}"
    if not path.is_file():
        try:
            run("mvn", "--batch-mode", "--quiet", COPY, f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}")
        except ToolFailed as error:
            raise ToolMissing(f"{coordinates} cannot be had from Maven Central: {error}") from error
    if (found := sha256(path)) != digest:
        raise ToolMissing(f"{path} has SHA-256 {found}; expected {digest}. Delete it, and look where Maven gets it.")
    return path


def java(main: str, jar: Path, *arguments: str | Path) -> str:
    """Runs a Java program. Raises ToolFailed."""
    return run("java", "-XX:TieredStopAtLevel=1", "-cp", jar, main, *arguments)  # the quick compiler: a third of the time


def java_home() -> Path:
    """The JDK, for its own classes: those of android-all begin above java.lang."""
    javac = shutil.which("javac")
    assert javac
    return Path(javac).resolve().parents[1]
