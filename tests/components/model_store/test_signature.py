"""Signed manifests: held against openssl and RFC 8032, then against whoever can write to the folder but has no key."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from components.model_store import store
from components.model_store.labels import CONFIG
from components.model_store.manifest import MANIFEST, Facts
from components.model_store.restore import restore
from components.model_store.signature import NO_KEYS, SIGNATURE, Keys, is_signed, read_keys, sign
from components.shared.errors import BadConfig, CorruptModel, SignatureInvalid
from components.shared.files import sha256
from pipeline.keys import PRIVATE, PUBLIC
from tests.components.model_store.keys import make_keys

MODEL = "parcels"


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Path:
    """A folder with a pair of keys."""
    folder = tmp_path_factory.mktemp("pair")
    make_keys(folder)
    return folder


@pytest.fixture
def keys(pair) -> Keys:
    return read_keys(pair / PUBLIC, pair / PRIVATE)


@pytest.fixture
def publish(tmp_path):
    """A function that publishes a model of these weights."""

    def publish(weights: str, keys: Keys = NO_KEYS, name: str = MODEL) -> store.Version:
        source = tmp_path / f"source-{weights}"
        source.mkdir(exist_ok=True)
        (source / "saved_model.pb").write_text(weights)
        return store.publish(tmp_path / name, source, {}, Facts(model=name), 9, keys=keys)[0]

    return publish


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess:
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl")
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)


def test_the_signature_is_rfc_8032s():
    """Its section 7.1, test 3: the two bytes af82."""
    private = Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    )
    expected = (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert base64.b64decode(sign(b"\xaf\x82", private)).hex() == expected


def test_openssl_agrees(publish, keys, pair, tmp_path):
    folder = publish("a", keys).folder
    (tmp_path / "raw").write_bytes(base64.b64decode((folder / SIGNATURE).read_bytes()))
    verify = ["pkeyutl", "-verify", "-pubin", "-inkey", pair / PUBLIC, "-rawin"]
    assert openssl(*verify, "-in", folder / MANIFEST, "-sigfile", tmp_path / "raw").returncode == 0
    assert openssl(*verify, "-in", folder / "saved_model.pb", "-sigfile", tmp_path / "raw").returncode != 0


def test_keys_that_openssl_made_do_too(publish, tmp_path):
    openssl("genpkey", "-algorithm", "ed25519", "-out", tmp_path / "private")
    openssl("pkey", "-in", tmp_path / "private", "-pubout", "-out", tmp_path / "public")
    made = read_keys(tmp_path / "public", tmp_path / "private")
    version = publish("a", made)
    assert store.read(tmp_path / MODEL, 1, read_keys(tmp_path / "public")) == version


def test_without_keys_nothing_is_signed_and_a_signature_is_no_file_of_the_model(publish, keys, tmp_path):
    assert not (publish("a").folder / SIGNATURE).exists()
    shutil.rmtree(tmp_path / MODEL)
    version = publish("a", keys)
    store.verify(store.read(tmp_path / MODEL, 1))
    assert SIGNATURE not in version.manifest.files


def unsigned(folder: Path) -> None:
    (folder / SIGNATURE).unlink()


def rewritten(folder: Path) -> None:
    """The model and its sum, by one who has no key."""
    (folder / "saved_model.pb").write_text("worse")
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["saved_model.pb"] = sha256(folder / "saved_model.pb")
    (folder / MANIFEST).write_text(json.dumps(manifest))


def signed_by_another(folder: Path) -> None:
    private = Ed25519PrivateKey.generate()
    (folder / SIGNATURE).write_bytes(sign((folder / MANIFEST).read_bytes(), private))


def no_signature(folder: Path) -> None:
    (folder / SIGNATURE).write_text("trust me")


def no_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


@pytest.mark.parametrize("attack", [unsigned, rewritten, signed_by_another, no_signature, no_manifest])
def test_who_has_no_key_cannot_have_another_model_loaded(publish, keys, tmp_path, attack):
    attack(publish("a", keys).folder)
    with pytest.raises(CorruptModel, match=r"manifest\.json (is not|was not signed so)") as refused:
        store.read(tmp_path / MODEL, 1, keys)
    assert isinstance(refused.value, SignatureInvalid) == (attack is not no_manifest)


def test_an_old_version_cannot_be_passed_off_as_a_new_one(publish, keys, tmp_path):
    shutil.copytree(publish("a", keys).folder, tmp_path / MODEL / "7")
    with pytest.raises(SignatureInvalid, match=r"7/manifest\.json says that it is version 1 of parcels\. Expected"):
        store.production(tmp_path / MODEL, keys)


def test_a_model_cannot_be_passed_off_as_another_one(publish, keys, tmp_path):
    shutil.copytree(publish("a", keys, "letters").folder, tmp_path / MODEL / "1")
    with pytest.raises(SignatureInvalid, match=r"says that it is version 1 of letters\."):
        store.production(tmp_path / MODEL, keys)


def test_what_cannot_be_trusted_is_not_published_behind(publish, keys):
    publish("a")
    with pytest.raises(
        SignatureInvalid, match=r"is not signed: there is no manifest\.json\.sig beside it\..*pipeline\.keys sign"
    ):
        publish("b", keys)


@pytest.mark.parametrize("number", [1, 2])
def test_neither_what_is_pinned_nor_what_is_newest_may_be_unsigned(publish, keys, tmp_path, number):
    for weights in "ab":
        publish(weights, keys)
    (tmp_path / CONFIG).write_text(
        f'model_config_list {{ config {{ name: "{MODEL}" version_labels {{ key: "stable" value: 1 }} }} }}'
    )
    unsigned(tmp_path / MODEL / str(number))
    with pytest.raises(SignatureInvalid, match=rf"/{number}/manifest\.json is not signed"):
        publish("c", keys)
    assert store.versions(tmp_path / MODEL) == [1, 2]


def test_a_rollback_signs_anew_and_never_what_was_not_signed(publish, keys, tmp_path):
    publish("a", keys)
    publish("b", keys)
    _, version = restore(tmp_path / MODEL, None, 9, keys=keys)
    assert store.production(tmp_path / MODEL, Keys(keys.trusted)) == version
    assert version.manifest.restored_from == 1
    rewritten(tmp_path / MODEL / "2")
    with pytest.raises(SignatureInvalid, match=r"2/manifest\.json was not signed so"):
        restore(tmp_path / MODEL, 2, 9, keys=keys)
    assert store.versions(tmp_path / MODEL) == [1, 2, 3]


def test_a_rollback_passes_over_what_is_not_signed(publish, keys, tmp_path):
    for weights in "abc":
        publish(weights, keys)
    unsigned(tmp_path / MODEL / "2")
    assert restore(tmp_path / MODEL, None, 9, keys=keys)[0].number == 1


def test_keys_are_rotated_while_both_are_trusted(publish, keys, pair, tmp_path):
    make_keys(tmp_path / "next")
    both = tmp_path / "both.pem"
    both.write_bytes((pair / PUBLIC).read_bytes() + (tmp_path / "next" / PUBLIC).read_bytes())
    publish("a", keys)
    publish("b", read_keys(both, tmp_path / "next" / PRIVATE))
    for number in (1, 2):
        store.read(tmp_path / MODEL, number, read_keys(both))
    with pytest.raises(SignatureInvalid):
        store.read(tmp_path / MODEL, 1, read_keys(tmp_path / "next" / PUBLIC))


def test_the_private_key_is_in_nothing_that_is_published(publish, keys, pair, tmp_path):
    publish("a", keys)
    [secret] = [line for line in (pair / PRIVATE).read_text().splitlines() if "-----" not in line]
    raw = keys.private.private_bytes_raw()
    for path in (tmp_path / MODEL).rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(form in content for form in (secret.encode(), raw, raw.hex().encode(), base64.b64encode(raw)))
    assert secret not in repr(keys)


@given(position=st.integers(min_value=0), flip=st.integers(1, 255), signature=st.booleans())
def test_no_byte_can_be_changed(position, flip, signature):
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    manifest = b'{"files": {}, "model": "parcels", "version": 1}\n'
    parts = [manifest, base64.b64decode(sign(manifest, private))]
    changed = bytearray(parts[signature])
    changed[position % len(changed)] ^= flip
    parts[signature] = bytes(changed)
    assert not is_signed(parts[0], base64.b64encode(parts[1]), [private.public_key()])


@given(st.binary(max_size=200))
def test_any_bytes_for_a_signature_are_an_answer_not_an_error(content):
    assert not is_signed(b"{}", content, [Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()])


def bad_files(folder: Path) -> dict[str, tuple[Path | None, Path | None, str]]:
    """Files of a public and a private key, and what is to be said of them."""
    good, private = folder / PUBLIC, folder / PRIVATE
    other = folder / "other"
    make_keys(other)
    openssl("genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", folder / "rsa")
    openssl("pkey", "-in", folder / "rsa", "-pubout", "-out", folder / "rsa.pub")
    openssl("pkey", "-in", private, "-aes256", "-passout", "pass:secret", "-out", folder / "encrypted")
    text = good.read_text()
    (folder / "empty").write_text("")
    (folder / "torn").write_text(text + text[:40])
    (folder / "broken").write_text(text.replace("MC", "xx"))
    (folder / "broken private").write_text(private.read_text().replace("MC4C", "xxxx"))
    return {
        "none": (folder / "none", None, r"The key .*none cannot be read: .*No such file"),
        "empty": (folder / "empty", None, "empty holds no public key"),
        "torn": (folder / "torn", None, "torn holds a broken public key"),
        "broken": (folder / "broken", None, "broken: key 1 cannot be read"),
        "private": (private, None, "holds a private key; expected public keys only"),
        "rsa public": (folder / "rsa.pub", None, "key 1 is of another kind; expected Ed25519"),
        "rsa private": (good, folder / "rsa", "rsa holds a private key of another kind; expected Ed25519"),
        "encrypted": (good, folder / "encrypted", "encrypted is encrypted; expected a private key without a passphrase"),
        "broken private": (good, folder / "broken private", "is not a private key in PEM"),
        "public as private": (good, good, "is not a private key in PEM"),
        "no pair": (good, other / PRIVATE, r"The public half of .*other/private\.pem is not in .*public\.pem"),
        "no public": (None, private, r"is not in a file of public keys"),
    }


CASES = ["none", "empty", "torn", "broken", "private", "rsa public", "rsa private", "encrypted", "broken private"]


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    make_keys(folder)
    return bad_files(folder)


@pytest.mark.parametrize("case", [*CASES, "public as private", "no pair", "no public"])
def test_a_key_that_does_not_do_is_named_and_nothing_of_it_is_said(bad, case):
    public, private, message = bad[case]
    with pytest.raises(BadConfig, match=message) as refused:
        read_keys(public, private)
    for path in (public, private):
        if path and path.exists() and "PRIVATE" in path.read_text():
            assert not any(line in str(refused.value) for line in path.read_text().splitlines() if "-----" not in line)


def test_no_path_is_no_key():
    assert read_keys("", "") == read_keys(None) == NO_KEYS
