"""Copies a published phone model into the Android app, once its sums are right and the app knows all that is in it."""

import argparse
import shutil
import sys
from pathlib import Path

from rich.console import Console

from components.model_store import store
from components.model_store.manifest import MANIFEST
from components.model_store.signature import NO_KEYS, Keys, read_keys
from components.model_store.store import Version
from components.shared import problem_folder
from components.shared.command_line import ended, filled, whole
from components.shared.errors import CorruptModel, NotConvertible, PublishFailed, VersionNotFound
from components.shared.files import TEMPORARY_PREFIX, fsync_tree, locked, sha256, temporary_folder
from components.shared.phone import card as model_card
from components.shared.phone.card import ModelCard
from components.shared.phone.file import signatures
from data import DEFAULT_PROBLEM

ASSETS = Path("tflite/android/app/src/main/assets")
MODEL = model_card.MODEL_FILE
FILES = (MODEL, model_card.FILE, MANIFEST)  # the manifest last: without it nothing is installed
# What the app can ask for: `enum class Kind` in its Feature.kt; what it can send, `enum class Dtype`, is `file.DTYPES`.
KINDS = ("numeric", "categorical", "cyclic", "flag", "share")


def main(arguments: list[str] | None = None) -> int:
    """Run the command, and return an `Exit`; unless it is DONE, nothing was installed."""
    parser = argparse.ArgumentParser(prog="python -m tflite.install", description=__doc__)
    problem_folder.add_option(parser, DEFAULT_PROBLEM)
    parser.add_argument("--mobile", type=Path, help="the published versions (default: the problem's)")
    parser.add_argument("--version", type=whole, help="(default: the newest)")
    parser.add_argument(
        "--public_key", metavar="FILE", type=filled, help="refuse a version that is not signed by a key in this file"
    )
    parser.add_argument("--assets", type=Path, default=ASSETS, help="the app's (default: %(default)s)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> None:
    """Install a version, unless it is there. Raises CrosswindError."""
    version = published(
        options.mobile or problem_folder.published(options.problem, "mobile"), options.version, read_keys(options.public_key)
    )
    card = check(version)
    new = install(version, options.assets)
    kilobytes = (options.assets / MODEL).stat().st_size / 1000
    done = "Installed" if new else "Already there:"
    console.print(f"{done} version {version.number} of {card.model} ({card.variant}, {kilobytes:.0f} KB, span {card.span})")


def published(folder: Path, number: int | None, keys: Keys = NO_KEYS) -> Version:
    """Read the version of that number, or the newest.

    Raises:
        VersionNotFound: it is not there.
        CorruptModel: it has no readable manifest.
        SignatureInvalid: there are keys, and none of them signed it.
    """
    numbers = store.versions(folder)
    found = max(numbers, default=None) if number is None else number
    if found is None or found not in numbers:
        there = ", ".join(map(str, numbers)) or "none"
        newest = "no version; expected one that a run published. Or name a folder with --mobile."
        named = f"no version {number}. Expected one of those that are there: {there}."
        raise VersionNotFound(f"{folder} holds {newest if number is None else named}")
    return store.read(folder, found, keys)


def check(version: Version) -> ModelCard:
    """Refuse a version that was changed since it was published, or that the app would not understand.

    Raises:
        CorruptModel: a file is not as in the manifest, or the card beside the model is not the one inside.
        NotConvertible: the card or the model has what the app does not know.
    """
    store.verify(version)
    if missing := [name for name in FILES if not (version.folder / name).is_file()]:
        raise CorruptModel(f"{version.folder} has no {', '.join(missing)}; expected a version that a run published.")
    card = model_card.read(version.folder / MODEL)
    if not same(version.folder / model_card.FILE, card):
        raise CorruptModel(f"{version.folder / model_card.FILE} is not the card inside {MODEL}. Publish the model again.")
    if unknown := unknown_to_app(card, version.folder):
        raise NotConvertible(unknown)
    return card


def unknown_to_app(card: ModelCard, folder: Path) -> str:
    """Say what the app would not understand of a card or of its model; empty: nothing."""
    if unknown := [f"{feature.name} ({feature.kind})" for feature in card.features if feature.kind not in KINDS]:
        return (
            f"The app cannot ask for {', '.join(unknown)}; expected the kinds {', '.join(KINDS)}. "
            "Teach it the new one in Feature.kt and tflite/install.py."
        )
    if not card.golden:
        return f"The card in {folder} has no golden row; expected one or more: the app checks itself on them."
    if card.threshold is not None and card.base_rate is None:
        return (
            f"The card in {folder} has no base rate, so that the app cannot say what is much: an older pipeline "
            "published it. Expected a newer one: run the pipeline again."
        )
    stated = {feature.name: feature.dtype for feature in card.features}
    inputs, outputs = signatures((folder / MODEL).read_bytes()).get(card.signature, ({}, set()))
    if inputs == stated and card.output in outputs:
        return ""
    return (
        f"{folder / MODEL} takes {inputs} and gives {sorted(outputs)} by its signature {card.signature}; "
        f"expected {stated} and {card.output}, as its card says. Publish the model again."
    )


def same(path: Path, card: ModelCard) -> bool:
    """Tell whether a JSON file is that card."""
    try:
        return ModelCard.model_validate_json(path.read_text(encoding="utf-8")) == card
    except ValueError:
        return False


def install(version: Version, assets: Path) -> bool:
    """Copy a version's files into `assets`, unless they are there. A copy that is cut short leaves no manifest, never a mix.

    Returns:
        Whether anything was copied.

    Raises:
        CorruptModel: a file is not, or no longer, as in the manifest.
        PublishFailed: the folder cannot be written.
    """
    sums = {**version.manifest.files, MANIFEST: version.digest}
    try:
        assets.mkdir(parents=True, exist_ok=True)
        with locked(assets.parent / ".lock"):
            for left in assets.parent.glob(f"{TEMPORARY_PREFIX}*"):
                shutil.rmtree(left)
            if all((assets / name).is_file() and sha256(assets / name) == sums[name] for name in FILES):
                return False
            with temporary_folder(assets.parent) as temporary:
                for name in FILES:
                    shutil.copyfile(version.folder / name, temporary / name)
                    if sha256(temporary / name) != sums[name]:
                        raise CorruptModel(
                            f"{version.folder / name} differs from its manifest: nothing was installed. Publish it again."
                        )
                fsync_tree(temporary)
                (assets / MANIFEST).unlink(missing_ok=True)
                for name in FILES:
                    (temporary / name).replace(assets / name)
    except OSError as error:
        raise PublishFailed(
            f"The model could not be copied to {assets}: {error}. Expected a writable folder; correct that, and install again."
        ) from error
    return True


if __name__ == "__main__":
    sys.exit(main())
