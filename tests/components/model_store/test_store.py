import json
import logging
import multiprocessing
import os
import resource
import signal
import tempfile
from pathlib import Path

import pytest

from components.model_store import contents, store
from components.model_store.manifest import Facts
from components.shared.errors import CorruptModel, PublishFailed


def model(folder: Path, weights: str = "weights") -> Path:
    """A folder in the shape of a SavedModel."""
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text("graph")
    (folder / "variables" / "variables.data").write_text(weights)
    return folder


def publish(serving: Path, source: Path, keep: int = 5, **facts):
    return store.publish(serving, source, {}, Facts(**facts), keep)


def test_a_version_holds_model_extras_and_manifest(tmp_path):
    statistics = tmp_path / "stats"
    statistics.write_text("numbers")
    version, reason = store.publish(
        tmp_path / "s", model(tmp_path / "m"), {contents.STATISTICS: statistics}, Facts(span="2013-03"), 5
    )
    assert reason == ""
    assert version.number == 1
    manifest = json.loads((tmp_path / "s" / "1" / "manifest.json").read_text())
    assert manifest["span"] == "2013-03"
    assert manifest["version"] == 1
    assert sorted(manifest["files"]) == ["saved_model.pb", "training_statistics.pb", "variables/variables.data"]
    store.verify(store.read(tmp_path / "s", 1))


def test_versions_increase_and_the_oldest_go(tmp_path):
    for number in range(1, 8):
        version, _ = publish(tmp_path / "s", model(tmp_path / f"m{number}", str(number)), keep=3)
        assert version.number == number
    assert store.versions(tmp_path / "s") == [5, 6, 7]
    assert store.production(tmp_path / "s").number == 7
    assert [path.name for path in (tmp_path / "s").glob(".tmp-*")] == []


def test_what_is_no_folder_of_a_number_is_no_version(tmp_path):
    publish(tmp_path / "s", model(tmp_path / "m"))
    (tmp_path / "s" / "2-of-somebody").mkdir()
    (tmp_path / "s" / "3").write_text("a note")
    assert store.versions(tmp_path / "s") == [1]


def test_a_model_has_one_digest_before_and_behind_its_publication(tmp_path):
    source = model(tmp_path / "m")
    (tmp_path / "card").write_text("words")
    version, _ = store.publish(tmp_path / "s", source, {contents.CARD: tmp_path / "card"}, Facts(), 5)
    assert contents.folder_digest(source) == version.model_digest == contents.folder_digest(version.folder)
    assert contents.folder_digest(model(tmp_path / "other", "others")) != contents.folder_digest(source)


def test_versions_are_numbers_not_texts(tmp_path):
    for number in range(11):
        publish(tmp_path / "s", model(tmp_path / f"m{number}", str(number)), keep=20)
    assert store.production(tmp_path / "s").number == 11


def test_the_model_in_production_is_not_published_again(tmp_path):
    source = model(tmp_path / "m")
    publish(tmp_path / "s", source)
    version, reason = publish(tmp_path / "s", source)
    assert (version.number, reason) == (1, "version 1 in production is this very model")
    assert store.versions(tmp_path / "s") == [1]


def test_nothing_is_in_production_before_the_first_push(tmp_path):
    assert store.production(tmp_path / "none") is None


@pytest.mark.parametrize("damage", ["changed", "missing", "added"])
def test_a_damaged_version_is_named_with_the_file(tmp_path, damage):
    version, _ = publish(tmp_path / "s", model(tmp_path / "m"))
    file = version.folder / "variables" / "variables.data"
    if damage == "changed":
        file.write_text("other")
    elif damage == "missing":
        file.unlink()
    else:
        file = version.folder / "extra.bin"
        file.write_text("x")
    with pytest.raises(CorruptModel, match=f"Version 1 in .* differs from its manifest: {file.relative_to(version.folder)}"):
        store.verify(store.read(tmp_path / "s", 1))


def test_a_file_that_is_a_link_is_refused_even_with_the_right_content(tmp_path):
    version, _ = publish(tmp_path / "s", model(tmp_path / "m"))
    file = version.folder / "saved_model.pb"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CorruptModel, match=r"differs from its manifest: saved_model\.pb"):
        store.verify(version)
    with pytest.raises(CorruptModel, match=r"differs from its manifest: saved_model\.pb"):
        store.copy(version, tmp_path / "copy")


@pytest.mark.parametrize("kind", ["a link to a folder", "a link to nothing", "a pipe"])
def test_what_the_manifest_does_not_name_is_found_whatever_it_is(tmp_path, kind):
    version, _ = publish(tmp_path / "s", model(tmp_path / "m"))
    added = version.folder / "assets.extra"  # where a server looks for more
    if kind == "a pipe":
        os.mkfifo(added)
    else:
        added.symlink_to(tmp_path / ("m" if kind == "a link to a folder" else "nowhere"))
    with pytest.raises(CorruptModel, match=r"differs from its manifest: assets\.extra\."):
        store.verify(version)


def test_a_copy_that_differs_is_refused_and_removed(tmp_path, monkeypatch):
    version, _ = publish(tmp_path / "s", model(tmp_path / "m"))
    store.verify(version)
    (version.folder / "saved_model.pb").write_text("worse")  # behind the comparison
    with pytest.raises(CorruptModel, match=r"Version 1 in .*/s/1 differs from its manifest: saved_model\.pb"):
        store.copy(version, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_copy_is_the_version(tmp_path):
    version, _ = publish(tmp_path / "s", model(tmp_path / "m"))
    store.copy(version, tmp_path / "copy")
    names = [path.relative_to(version.folder) for path in version.folder.rglob("*")]
    assert sorted(path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*")) == sorted(names)


def test_a_manifest_that_is_replaced_behind_its_reading_is_found(tmp_path):
    version, _ = publish(tmp_path / "s", model(tmp_path / "m"))
    (version.folder / "manifest.json").write_text('{"files": {}}')
    with pytest.raises(CorruptModel, match=r"differs from its manifest: manifest\.json\."):
        store.verify(version)


def test_a_model_that_changes_while_it_is_copied_is_not_published(tmp_path, monkeypatch):
    source, copytree = model(tmp_path / "m"), store.shutil.copytree

    def changed_first(*arguments, **options):
        (source / "saved_model.pb").write_text("worse")
        return copytree(*arguments, **options)

    monkeypatch.setattr(store.shutil, "copytree", changed_first)
    with pytest.raises(PublishFailed, match=r"Nothing was published to .*: saved_model\.pb changed while .* was copied"):
        publish(tmp_path / "s", source)
    assert [path.name for path in (tmp_path / "s").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    "files",
    [
        {"../../m/saved_model.pb": "0" * 64},
        {"/etc/passwd": "0" * 64},
        {"variables/../saved_model.pb": "0" * 64},
        {"./saved_model.pb": "0" * 64},
        {"": "0" * 64},
        {"saved_model.pb": None},
        {"saved_model.pb": "0"},
        {"saved_model.pb": "G" * 64},
    ],
)
def test_a_manifest_names_files_below_its_folder_each_with_a_sum(tmp_path, files):
    publish(tmp_path / "s", model(tmp_path / "m"))
    (tmp_path / "s" / "1" / "manifest.json").write_text(json.dumps({"files": files}))
    with pytest.raises(CorruptModel, match=r"1/manifest\.json is not a readable manifest"):
        store.read(tmp_path / "s", 1)


NO_MANIFESTS = ["", "{", "[]", "{}", '{"files": 3}', "null", "[" * 100_000, '{"files": {}, "span": 9}']
NO_MANIFESTS += ['{"files": {}, "withdrawn": 1}', '{"files": {}, "withdrawn": [{"version": "1", "model": "a"}]}']


@pytest.mark.parametrize("content", NO_MANIFESTS)
def test_a_corrupt_manifest_is_named(tmp_path, content):
    publish(tmp_path / "s", model(tmp_path / "m"))
    (tmp_path / "s" / "1" / "manifest.json").write_text(content)
    with pytest.raises(CorruptModel, match=r"1/manifest.json is not a readable manifest"):
        store.production(tmp_path / "s")


def in_child(work) -> int:
    """Runs `work` in a child process; returns its exit code."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def test_a_full_disk_publishes_nothing(tmp_path):
    """Simulated by the kernel's limit on a file's size, which fails the write like a full disk does."""
    publish(tmp_path / "s", model(tmp_path / "m"))
    large = model(tmp_path / "large", "x" * 100_000)

    def work():
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, unlimited[1]))
        with pytest.raises(PublishFailed, match=r"Nothing was published.*File too large.*free some space"):
            publish(tmp_path / "s", large)
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)  # of the process's end, which may write too

    assert in_child(work) == 0
    assert store.versions(tmp_path / "s") == [1]
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == [".lock", "1"]
    version, _ = publish(tmp_path / "s", large)
    assert version.number == 2


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make what another user cannot delete")
def test_an_old_version_that_cannot_be_deleted_is_logged_and_the_new_one_is_published():
    """It is root's, as of a container, and who publishes is somebody else."""
    with tempfile.TemporaryDirectory() as name:
        serving, somebody = Path(name) / "s", 65534
        publish(serving, model(Path(name) / "m"))
        other = model(Path(name) / "other", "other weights")
        for path in (Path(name), serving, serving / ".lock"):
            os.chown(path, somebody, somebody)

        def work():
            handler, lines = logging.Handler(), []
            handler.emit = lambda record: lines.append(record.getMessage())
            logging.getLogger().addHandler(handler)
            os.seteuid(somebody)
            version, reason = publish(serving, other, keep=1)
            os.seteuid(0)  # what measures coverage writes at the process's end
            assert (version.number, reason, store.versions(serving)) == (2, "", [1, 2])
            [line] = lines
            assert line.startswith(f"Version 1 in {serving} is not kept, and cannot be deleted: [Errno 13]")

        assert in_child(work) == 0
        assert sorted(path.name for path in serving.iterdir()) == [".lock", "1", "2"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(PublishFailed, match=r"Nothing was published to /proc/serving.*Expected a writable folder"):
        publish(Path("/proc/serving"), model(tmp_path / "m"))


@pytest.mark.parametrize("step", ["copytree", "write_bytes", "fsync_tree", "rename"])
def test_a_kill_in_any_step_leaves_whole_versions(tmp_path, monkeypatch, step):
    """A real SIGKILL, right behind or before the step named."""
    publish(tmp_path / "s", model(tmp_path / "m"))
    source = model(tmp_path / "next", "next")
    owner = {"copytree": store.shutil, "write_bytes": Path, "fsync_tree": store, "rename": Path}[step]
    original = getattr(owner, step)

    def killed(*arguments, **options):
        if step != "rename":
            original(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    def work():
        monkeypatch.setattr(owner, step, killed)
        publish(tmp_path / "s", source)

    assert in_child(work) == -signal.SIGKILL
    assert store.versions(tmp_path / "s") == [1]
    version, reason = publish(tmp_path / "s", source)
    assert (version.number, reason) == (2, "")
    store.verify(version)
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == [".lock", "1", "2"]


def test_eight_publishers_at_once_make_eight_whole_versions(tmp_path):
    sources = [model(tmp_path / f"m{number}", str(number)) for number in range(8)]
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=publish, args=(tmp_path / "s", source, 20)) for source in sources]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 8
    assert store.versions(tmp_path / "s") == list(range(1, 9))
    for number in range(1, 9):
        store.verify(store.read(tmp_path / "s", number))


def test_a_version_takes_the_number_that_it_is_given_if_that_is_the_highest(tmp_path):
    for number, given, expected in ((1, 4, 4), (2, None, 5), (3, 2, 6)):
        version, _ = store.publish(tmp_path / "s", model(tmp_path / f"m{number}", str(number)), {}, Facts(), 9, number=given)
        assert version.number == expected == version.manifest.version
