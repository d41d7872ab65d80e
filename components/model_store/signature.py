"""Sign manifests with Ed25519: who can write to a folder of models, but has no key, cannot have another model loaded.

The signature is `manifest.json.sig` beside the manifest: one line of base64 of the 64 bytes that Ed25519 (RFC 8032) gives for
the manifest's bytes as they are. The manifest names the model, the version and each file's SHA-256, so it stands for them all.
Keys are PEM: a private key PKCS #8 without a passphrase, a public key SubjectPublicKeyInfo, as openssl writes them. A file may
hold several public keys, one after the other, and each of them is trusted.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from components.shared.errors import BadConfig

SIGNATURE = "manifest.json.sig"
PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
MAKE = "`python -m pipeline.keys make FOLDER` makes a pair"


@dataclass(frozen=True)
class Keys:
    """The keys that a process trusts and signs with. Without any it requires no signature, and makes none."""

    trusted: tuple[Ed25519PublicKey, ...] = ()  # a manifest must be signed by one of them
    private: Ed25519PrivateKey | None = None  # signs what is published; its public half is among the trusted


NO_KEYS = Keys()


def read_keys(public_key: Path | str | None, signing_key: Path | str | None = None) -> Keys:
    """Read the keys in these files; an empty path: none. Raises BadConfig, also if the two are no pair."""
    trusted = _public_keys(Path(public_key)) if public_key else ()
    if not signing_key:
        return Keys(trusted)
    private = _private_key(Path(signing_key))
    if private.public_key() not in trusted:
        raise BadConfig(
            f"The public half of {signing_key} is not in {public_key or 'a file of public keys'}; expected it there, or nobody "
            "would load what is signed. Add it to that file."
        )
    return Keys(trusted, private)


def sign(manifest: bytes, private: Ed25519PrivateKey) -> bytes:
    """Return the content of `manifest.json.sig`."""
    return base64.b64encode(private.sign(manifest)) + b"\n"


def is_signed(manifest: bytes, signature: bytes, trusted: Iterable[Ed25519PublicKey]) -> bool:
    """Tell whether one of the keys made this content of `manifest.json.sig` for this content of `manifest.json`."""
    try:
        raw = base64.b64decode(signature.strip(), validate=True)
    except binascii.Error:
        return False
    for key in trusted:
        with suppress(InvalidSignature):
            key.verify(raw, manifest)
            return True
    return False


def _public_keys(path: Path) -> tuple[Ed25519PublicKey, ...]:
    content = _read(path)
    found = []
    for number, block in enumerate(PEM.finditer(content), 1):
        if b"PRIVATE" in block[1]:
            raise BadConfig(
                f"{path} holds a private key; expected public keys only. Keep private keys where models are signed."
            )
        try:
            key = serialization.load_pem_public_key(block[0])
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadConfig(f"{path}: key {number} cannot be read: {error}. Expected PEM. {MAKE}.") from error
        if not isinstance(key, Ed25519PublicKey):
            raise BadConfig(f"{path}: key {number} is of another kind; expected Ed25519. {MAKE}.")
        found.append(key)
    if not found or PEM.sub(b"", content).count(b"-----BEGIN"):
        raise BadConfig(f"{path} holds {'a broken' if found else 'no'} public key; expected one or more in PEM. {MAKE}.")
    return tuple(found)


def _private_key(path: Path) -> Ed25519PrivateKey:
    # What the library says of a broken key is left out: no part of a key belongs in a log.
    try:
        key = serialization.load_pem_private_key(_read(path), password=None)
    except TypeError:
        raise BadConfig(
            f"{path} is encrypted; expected a private key without a passphrase, for no one is there to type it."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadConfig(f"{path} is not a private key in PEM; expected an Ed25519 key, PKCS #8. {MAKE}.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadConfig(f"{path} holds a private key of another kind; expected Ed25519. {MAKE}.")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadConfig(f"The key {path} cannot be read: {error}. Correct the path or the rights. {MAKE}.") from error
