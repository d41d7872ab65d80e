"""Leave out each part as pipeline/README.md says, in a copy: a run, and the tests that are left. `make test-parts` calls it."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import leaving_out, neutral
from tests.conftest import states

REPOSITORY = leaving_out.REPOSITORY
PARTS = leaving_out.parts()
NOBODY = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]


def copy_without(names: list[str], folder: Path) -> Path:
    """Copy what git tracks into a checkout of its own, with this environment, and take out the parts of these names."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (source := REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    for name in (".venv", ".tools"):
        (folder / name).symlink_to(REPOSITORY / name)
    for command in (["init", "--quiet"], ["add", "--all"], [*NOBODY, "commit", "--quiet", "--message=copied"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    for path in {path for name in names for path in PARTS[name][0]}:
        shutil.rmtree(folder / path) if path.endswith("/") else (folder / path).unlink()
    for file, line in (each for name in names for each in PARTS[name][1]):
        _take_out(line, folder / file)
    return folder


def _take_out(line: str, file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    [index] = [index for index, each in enumerate(lines) if each.strip() == line]
    file.write_text("".join(lines[:index] + lines[index + 1 :]), encoding="utf-8")


def run(copy: Path, problem: Path, root: Path) -> str:
    """What a run of the copy says, which must end well."""
    command = [sys.executable, "-m", "pipeline.local_runner", "--problem", str(problem), "--root", str(root)]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def main() -> None:
    """Print a row a part: lines taken out, nodes of the run, and what pytest said last."""
    with tempfile.TemporaryDirectory() as place:
        problem = neutral.write(Path(place) / "parcels")
        for number, names in enumerate([*([name] for name in PARTS), list(PARTS)]):
            copy = copy_without(names, Path(place) / f"copy{number}")
            nodes = states(run(copy, problem, Path(place) / f"runs{number}"))
            tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", "tests"]
            ended = subprocess.run([*tests, *sys.argv[1:]], cwd=copy, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stdout[-5000:]
            lines = sum(len(PARTS[name][1]) for name in names)
            print(f"without {', '.join(names)}: {lines} lines, {len(nodes)} nodes, {ended.stdout.splitlines()[-1]}", flush=True)


if __name__ == "__main__":
    main()
