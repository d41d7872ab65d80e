"""Inside the image: its user can write nothing of it, and there is nothing in it that should not be."""

import os
import shutil
from pathlib import Path

CODE = Path("/opt/crosswind")
EXPECTED = {"components", "data", "pipeline", "serving", "tflite", "pyproject.toml", "uv.lock"}
BUILD_TOOLS = ("gcc", "cc", "g++", "make", "git", "uv", "curl")

assert os.getuid() == os.getgid() == 65532, (os.getuid(), os.getgid())
assert Path.home().is_dir() and os.access(Path.home(), os.W_OK), Path.home()
assert Path.cwd() == CODE, Path.cwd()
assert {path.name for path in CODE.iterdir()} == EXPECTED, sorted(CODE.iterdir())
assert not (CODE / "data/flights/spans").exists()
assert not [tool for tool in BUILD_TOOLS if shutil.which(tool)], "build tools"
paths = [path for folder in ("/opt", "/usr") for path in Path(folder).rglob("*") if not path.is_symlink()]
writable = [path for path in paths if os.access(path, os.W_OK)]
assert not writable, writable[:10]
size = sum(path.lstat().st_size for path in Path("/opt").rglob("*"))
print(f"user {os.getuid()}, none of {len(paths)} files writable, {size / 1e9:.1f} GB below /opt")
