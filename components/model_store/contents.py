"""Tell which files of a version are its model's own, and whether two models differ."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from stat import S_ISDIR, S_ISREG

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
    modes = {path: path.lstat().st_mode for path in sorted(folder.rglob("*")) if path != folder / SIGNATURE}
    found = {path: sha256(path) if S_ISREG(mode) else "" for path, mode in modes.items() if not S_ISDIR(mode)}
    return {str(path.relative_to(folder)): total for path, total in found.items()}


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
