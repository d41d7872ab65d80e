"""Promotion of real versions at a real server; a bucket is a stub."""

import shutil
import threading
from contextlib import ExitStack

import pytest

from components.canary.server import Server
from components.model_store import contents, labels, store
from components.model_store.manifest import MANIFEST, Manifest
from components.model_store.signature import NO_KEYS, SIGNATURE, Keys
from components.shared.errors import Exit, PromotionFailed
from pipeline.keys import PUBLIC
from serving import promote
from serving.client import Target, connect
from serving.labels_file import Bucket, Local
from serving.refused import Refused
from tests.components.model_store.keys import make_keys
from tests.serving.cloud_storage_stub import cloud_storage
from tests.serving.servers import MODEL, copy_version, serving_here, state


def publish(published: store.Version, folder, number: int, keys: Keys = NO_KEYS) -> None:
    """The published model as a version of another number, with a manifest of its own."""
    store.write(folder / MODEL, published.folder, {}, published.manifest.model_copy(update={"version": number}), keys=keys)


@pytest.fixture
def folder(published, tmp_path):
    """A folder of models with versions 1 to 3, of which none has a label."""
    (tmp_path / MODEL).mkdir()
    for number in (1, 2, 3):
        publish(published, tmp_path, number)
    return tmp_path


NAMED = ("--model", MODEL)


def promoted(*arguments: str, folder, server: Server | None = None) -> int:
    """The command's exit code."""
    where = ["--server", f"http://{server.rest}"] if server else ["--no-server"]
    return promote.main([*arguments, *NAMED, "--folder", str(folder), *where, "--timeout", "30"])


def pins(folder) -> labels.Pins:
    return labels.read(folder / MODEL)


def test_a_release_from_canary_to_rollback_loses_no_request(folder, frame, capsys):
    """Labels move while two clients ask for them all the time."""
    with serving_here(folder) as server:
        assert promoted("--stable", "1", folder=folder, server=server) == 0
        assert pins(folder) == labels.Pins({"stable": 1, "previous": 3}, (1, 3))
        failures, answers, ended = [], [0], threading.Event()

        def ask(url: str) -> None:
            with connect(Target(url, MODEL, label="stable")) as client:
                while not ended.is_set():
                    try:
                        client.predict(frame.head(2))
                        answers[0] += 1
                    except Refused as error:
                        failures.append(str(error))

        clients = [threading.Thread(target=ask, args=[url]) for url in (f"http://{server.rest}", f"grpc://{server.grpc}")]
        for thread in clients:
            thread.start()
        try:
            assert promoted("--canary", "2", folder=folder, server=server) == 0
            assert pins(folder).labels == {"stable": 1, "canary": 2, "previous": 3}
            assert promoted("--stable", "2", folder=folder, server=server) == 0
            assert pins(folder) == labels.Pins({"stable": 2, "previous": 1}, (1, 2))
            assert promoted("--rollback", folder=folder, server=server) == 0
            assert pins(folder) == labels.Pins({"stable": 1}, (1,))
        finally:
            ended.set()
            for thread in clients:
                thread.join()
        assert failures == []
        assert answers[0] > 100
        assert state(server, 1) == "AVAILABLE"
    shown = capsys.readouterr().out
    assert "stable    1 → 2" in shown
    assert "canary    2 → -" in shown
    assert "Published: 1, 2, 3." in shown


def test_production_is_what_the_label_says_and_without_it_the_newest(folder, capsys):
    assert promoted(folder=folder) == 0
    assert "No label: the newest version is in production.\nPublished: 1, 2, 3." in capsys.readouterr().out
    assert promoted("--canary", "2", folder=folder) == 0
    assert pins(folder).labels == {"stable": 3, "canary": 2}
    assert promoted("--rollback", folder=folder) == 0
    assert store.production(folder / MODEL).number == 3


def test_a_version_that_cannot_be_loaded_gets_no_label(folder, capsys):
    assert promoted("--stable", "1", folder=folder) == 0
    broken = folder / MODEL / "4"
    copy_version(folder / MODEL / "3", folder, 4)
    (broken / "saved_model.pb").write_bytes(b"nonsense")
    files = {name: total for name, total in contents.sums(broken).items() if name != MANIFEST}
    # Its manifest matches: only loading tells.
    store.write(folder / MODEL, broken, {}, Manifest(version=5, files=files), keys=NO_KEYS)
    with serving_here(folder) as server:
        before = (folder / labels.CONFIG).read_text()
        assert promoted("--canary", "5", folder=folder, server=server) == 1
        assert (folder / labels.CONFIG).read_text() == before
        assert "version 5 cannot be loaded" in capsys.readouterr().out.replace("\n", " ")
        assert promoted("--canary", "4", folder=folder, server=server) == 1
        assert "Version 4 in" in (said := capsys.readouterr().out)
        assert "differs from its manifest: saved_model.pb" in said
        assert promoted("--canary", "9", folder=folder, server=server) == 1
        assert "has no version 9; expected one of 1, 2, 3, 4, 5." in capsys.readouterr().out
        assert (folder / labels.CONFIG).read_text() == before


def test_without_a_server_no_label_moves(folder, capsys):
    arguments = ["--canary", "1", *NAMED, "--folder", str(folder), "--server", "http://127.0.0.1:1"]
    assert promote.main(arguments) == 1
    assert not (folder / labels.CONFIG).exists(), "it was not there before"
    assert "http://127.0.0.1:1/v1/models/parcels/versions/1 does not answer" in capsys.readouterr().out


def test_a_server_that_does_not_follow_the_file_is_waited_for_in_vain(folder, server, capsys):
    arguments = ["--canary", "2", *NAMED, "--folder", str(folder), "--server", f"http://{server.rest}", "--timeout", "0.5"]
    assert promote.main(arguments) == 1
    assert not (folder / labels.CONFIG).exists()
    assert "after 0.5 s; expected AVAILABLE with version 2" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["model_config_list {", "model_config_list { of_the_future: 1 }"])
def test_a_file_that_is_not_understood_is_left_alone(folder, text, capsys):
    (folder / labels.CONFIG).write_text(text)
    assert promoted("--canary", "1", folder=folder) == 2
    assert (folder / labels.CONFIG).read_text() == text
    assert "BadConfig" in capsys.readouterr().out


def test_a_file_that_somebody_else_changed_is_left_as_they_wrote_it(folder):
    models = Local(folder)
    _, mark = models.read()
    (folder / labels.CONFIG).write_text("# somebody else")
    with pytest.raises(PromotionFailed, match="was changed by somebody else"):
        models.replace("# ours", mark)
    assert models.read()[0] == "# somebody else"
    assert sorted(path.name for path in folder.glob(".*")) == [".lock"]


@pytest.mark.parametrize("url", ["http://localhost:abc", "localhost:8501", "grpc://localhost:8500", "http://", ""])
def test_what_is_no_address_of_a_server_is_refused_before_anything_is_written(tmp_path, url, capsys):
    (tmp_path / MODEL / "1").mkdir(parents=True)
    with pytest.raises(SystemExit) as ended:
        promote.main(["--stable", "1", "--folder", str(tmp_path), "--server", url])
    assert ended.value.code == Exit.WRONG_SETTING
    assert "expected one like http://127.0.0.1:8501." in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [MODEL]


def test_of_a_url_that_cannot_be_asked_nothing_is_known():
    with pytest.raises(PromotionFailed, match="http://localhost:abc does not answer: Invalid port: 'abc'"):
        promote.status("http://localhost:abc", 1)


def test_a_label_has_moved_when_its_version_answers(server):
    """The status of a label would be that of every version, wherever the label is."""
    url = f"http://{server.rest}/v1/models/{MODEL}/labels/stable/metadata"
    assert promote.status(url, 1) == "AVAILABLE"
    assert promote.status(url, 2) == "version 1"
    assert "Unrecognized servable version label: canary" in promote.status(url.replace("stable", "canary"), 1)


def test_a_model_that_is_not_there(tmp_path, capsys):
    assert promoted("--stable", "1", folder=tmp_path) == 1
    assert "VersionNotFound: " in (said := capsys.readouterr().out)
    assert f"{MODEL} does not exist; expected the folder of a published model." in said


def test_a_first_version_that_is_not_there_is_no_canary(tmp_path, capsys):
    (tmp_path / MODEL).mkdir()
    assert promoted("--canary", "1", folder=tmp_path) == 1
    assert "has no version 1; expected a published model: there is none." in capsys.readouterr().out


def test_a_folder_that_is_not_there(tmp_path, capsys):
    assert promoted(folder=tmp_path / "nowhere") == 2
    assert "nowhere is not a folder" in capsys.readouterr().out


@pytest.fixture
def bucket(folder, monkeypatch):
    """The folder of models in a stub of Cloud Storage: its URL, and its objects."""
    objects = {f"prod/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with cloud_storage(objects) as (address, held):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        yield "gs://models/prod", held


def test_a_bucket_stubbed_is_steered_like_a_folder(bucket, capsys):
    url, objects = bucket
    assert promoted("--canary", "2", folder=url) == 0
    assert promoted("--stable", "2", folder=url) == 0
    assert promoted(folder=url) == 0
    assert "Published: 1, 2, 3." in capsys.readouterr().out
    text, generation = objects[f"prod/{labels.CONFIG}"]
    assert labels.pins(labels.parse(text.decode(), "x"), MODEL, "x") == labels.Pins({"stable": 2, "previous": 3}, (2, 3))
    assert generation == 6, "each move is three writes"
    del objects[f"prod/{MODEL}/1/saved_model.pb"]
    assert promoted("--canary", "1", folder=url) == 1
    assert "prod/parcels/1/ differs from its manifest: saved_model.pb." in capsys.readouterr().out
    assert promoted("--canary", "8", folder=url) == 1
    assert objects[f"prod/{labels.CONFIG}"] == (text, generation)


def test_a_bucket_stubbed_keeps_what_somebody_else_wrote(bucket):
    url, objects = bucket
    models = Bucket(url)
    _, mark = models.read()
    objects[f"prod/{labels.CONFIG}"] = (b"# somebody else", 7)
    with pytest.raises(PromotionFailed, match="was changed by somebody else"):
        models.replace("# ours", mark)
    assert objects[f"prod/{labels.CONFIG}"] == (b"# somebody else", 7)


def test_a_bucket_stubbed_without_a_server_is_put_back(bucket):
    url, objects = bucket
    assert promote.main(["--canary", "1", *NAMED, "--folder", url, "--server", "http://127.0.0.1:1"]) == 1
    assert f"prod/{labels.CONFIG}" not in objects


def test_a_bucket_stubbed_is_compared_byte_by_byte(bucket, capsys):
    url, objects = bucket
    place = f"prod/{MODEL}/1"
    for name, content in ((f"{place}/saved_model.pb", b"worse"), (f"{place}/variables/more", b"more")):
        before = objects.get(name)
        objects[name] = content, 2
        assert promoted("--canary", "1", folder=url) == 1
        assert f"differs from its manifest: {name.removeprefix(place + '/')}." in capsys.readouterr().out
        objects[name] = before
        if before is None:
            del objects[name]
    objects[f"{place}/variables/"] = b"", 1  # a folder of its own, as Cloud Storage FUSE makes it
    assert promoted("--canary", "1", folder=url) == 0


@pytest.fixture
def public(published, folder, tmp_path_factory):
    """The file of a public key, by whose pair versions 4 and 5 of the folder are signed; 6 has the signature of 4."""
    pair = tmp_path_factory.mktemp("keys")
    keys = make_keys(pair)
    for number in (4, 5, 6):
        publish(published, folder, number, keys)
    shutil.copy(folder / MODEL / "4" / SIGNATURE, folder / MODEL / "6")
    return pair / PUBLIC


@pytest.mark.parametrize("where", ["a folder", "a bucket stubbed"])
def test_only_signed_versions_get_a_label_when_a_key_is_given(folder, where, public, monkeypatch, capsys):
    flags = ["--public_key", str(public)]
    with ExitStack() as stack:
        url = str(folder)
        if where == "a bucket stubbed":
            objects = {f"prod/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
            address, _ = stack.enter_context(cloud_storage(objects))
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
            url = "gs://models/prod"
        assert promoted("--stable", "5", *flags, folder=url) == 1, "6 would become the previous one"
        assert "6/manifest.json was not signed so by a key that is trusted" in capsys.readouterr().out
        assert promoted("--stable", "3", *flags, folder=url) == 1
        assert "SignatureInvalid: " in capsys.readouterr().out
        assert promoted("--stable", "6", folder=url) == 0, "without a key nobody asks"
        assert promoted("--stable", "5", folder=url) == 0
        assert promoted("--rollback", *flags, folder=url) == 1
        assert promoted("--canary", "4", *flags, folder=url) == 1, "previous is 6 still"
        assert promoted("--stable", "4", folder=url) == 0
        assert promoted("--rollback", *flags, folder=url) == 0


def test_a_key_that_cannot_be_read_moves_nothing(folder, tmp_path, capsys):
    assert promoted("--stable", "1", "--public_key", str(tmp_path / "none"), folder=folder) == 2
    assert "BadConfig: The key " in capsys.readouterr().out
    assert pins(folder) == labels.Pins()
