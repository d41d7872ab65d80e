"""Inside the image: times imports, and looks whether each module came from its compiled file."""

import sys
import time
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path

begun = time.monotonic()
for name in sys.argv[1:]:
    import_module(name)
seconds = time.monotonic() - begun
sources = {Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
ours = {path for path in sources if path.suffix == ".py" and path.is_relative_to("/opt")}
ours |= set(Path("/opt/crosswind").rglob("*.py"))


def stale(source: Path) -> bool:
    """No compiled file, or one of another source: its header holds the time and the size of what it was compiled from."""
    compiled = Path(cache_from_source(str(source)))
    if not compiled.exists():
        return True
    header, found = compiled.read_bytes()[:16], source.stat()
    return header[8:16] != b"".join(int(value).to_bytes(4, "little") for value in (found.st_mtime, found.st_size))


missing = [str(path) for path in ours if stale(path)]
assert not missing, missing[:10]
print(f"{seconds:.1f} s, {len(ours)} modules from bytecode")
