"""Make a pair of keys that signs published models, or sign a version that was published without."""

import argparse
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console

from components.model_store import store
from components.model_store.manifest import MANIFEST, signed
from components.model_store.signature import SIGNATURE, Keys, read_keys, sign
from components.shared.command_line import ended
from components.shared.errors import BadConfig, VersionNotFound
from components.shared.files import fsync, temporary_folder
from pipeline.shared import command_line

PRIVATE, PUBLIC = "private.pem", "public.pem"


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.keys", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="make a pair")
    making.add_argument("folder", type=Path, help=f"for {PRIVATE} and {PUBLIC}; neither may exist")
    signing = commands.add_parser("sign", help="sign a published version, after its files were compared with its manifest")
    signing.add_argument("version", type=Path, nargs="+", help="its folder, such as runs/<problem>/serving/<model>/3")
    command_line.add_configuration(signing)
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> None:
    """Do what the command line asks for. Raises CrosswindError."""
    if options.command == "make":
        private, public = make(options.folder)
        console.print(f"{private} signs: keep it secret. {public} checks: give it to whoever loads models.")
        return
    publish = command_line.load(options).publish
    keys = read_keys(publish.public_key, publish.signing_key)
    for folder in options.version:
        sign_version(folder, keys)
        console.print(f"Signed {folder}.")


def make(folder: Path) -> tuple[Path, Path]:
    """Write a new pair, and return its files: the private key, which only its owner can read, and the public one.

    Raises:
        BadConfig: one of the files is there already, or the folder cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if there := [name for name in (PRIVATE, PUBLIC) if (folder / name).exists()]:
            raise FileExistsError(f"{', '.join(there)} exists already")
        for name, content, mode in ((PRIVATE, private, 0o600), (PUBLIC, public, 0o644)):
            (folder / name).touch(mode, exist_ok=False)
            (folder / name).write_bytes(content)
            fsync(folder / name)
        fsync(folder)
    except OSError as error:
        raise BadConfig(
            f"No keys were made in {folder}: {error}. Expected a writable folder without keys; name another."
        ) from error
    return folder / PRIVATE, folder / PUBLIC


def sign_version(folder: Path, keys: Keys) -> None:
    """Sign the manifest of a version, if its files are those of the manifest.

    Raises:
        BadConfig: there is no key to sign with.
        VersionNotFound: the folder is not a version.
        CorruptModel: its files are not those of the manifest, or the manifest is another version's.
    """
    if not keys.private:
        raise BadConfig("publish.signing_key is empty; expected the private key's file: set it, and publish.public_key.")
    folder = folder.absolute()
    if not folder.name.isdecimal() or not folder.is_dir():
        raise VersionNotFound(f"{folder} is not a version; expected a folder with a number, such as …/serving/<model>/3.")
    with store.writing(folder.parent):
        version = store.read(folder.parent, int(folder.name))
        with tempfile.TemporaryDirectory() as ours, temporary_folder(folder.parent) as temporary:
            copy = Path(ours) / "model"  # where nobody else writes
            store.copy(version, copy)
            manifest = (copy / MANIFEST).read_bytes()
            signature = sign(manifest, keys.private)
            # What everybody who loads it will check: is it this version of this model?
            signed(manifest, signature, model=folder.parent.name, number=version.number, origin=str(folder), keys=keys)
            (temporary / SIGNATURE).write_bytes(signature)
            fsync(temporary / SIGNATURE)
            (temporary / SIGNATURE).rename(folder / SIGNATURE)
        fsync(folder)


if __name__ == "__main__":
    sys.exit(main())
