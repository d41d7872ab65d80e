"""Keys for tests, made once: nobody else has them."""

from pathlib import Path

from components.model_store.signature import Keys, read_keys
from pipeline import keys


def make_keys(folder: Path) -> Keys:
    """A new pair in `folder`."""
    private, public = keys.make(folder)
    return read_keys(public, private)
