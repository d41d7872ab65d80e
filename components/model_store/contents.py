"""Tell which files of a version are its model's own, and whether two models differ."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from components.model_store.manifest import MANIFEST
from components.model_store.signature import SIGNATURE
from components.shared.files import files_below, sha256

STATISTICS = "training_statistics.pb"
WARM_UP = "assets.extra/tf_serving_warmup_requests"  # where TensorFlow Serving looks for it
CARD, CARD_JSON = "model_card.md", "model_card.json"  # for people; the phone's model brings a card.json of another kind
FINGERPRINT = "fingerprint.pb"  # has a random number each time it is saved: the same model, trained again, has another
BESIDE = (STATISTICS, WARM_UP, CARD, CARD_JSON, MANIFEST, SIGNATURE, FINGERPRINT)  # in a version: what is not of its model


def sums(folder: Path) -> dict[str, str]:
    """Compute the SHA-256 of everything below a version's folder but its signature; empty for what is no file, as a link."""
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    regular = {name: (folder / name).is_file() and not (folder / name).is_symlink() for name in names}
    return {str(name): sha256(folder / name) if regular[name] else "" for name in names if str(name) != SIGNATURE}


def sums_of_model(folder: Path) -> dict[str, str]:
    """Compute the SHA-256 of each file of a model's folder, whether it was published or not."""
    return {str(path): sha256(folder / path) for path in files_below(folder)}


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Name the files that are missing, changed or added, by their sums."""
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


def model_digest(files: Mapping[str, str]) -> str:
    """Compute the SHA-256 over the names and sums of the model's own files, without what was published beside it."""
    # The card in the phone's folder is left out too: the model has it inside.
    own = sorted((name, total) for name, total in files.items() if name not in BESIDE)
    return hashlib.sha256(json.dumps(own).encode()).hexdigest()


def folder_digest(model: Path) -> str:
    """Compute `model_digest` from a model's folder, published or not."""
    return model_digest(sums_of_model(model))
