"""Disks that are full or read-only, a clock that is set back, and metadata that are locked or damaged: whole runs, from the
command line. Each says what is wrong, publishes nothing half, and goes on once that is mended.
"""

import re
import sqlite3
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY, command, run, states

from components.model_store import store
from pipeline.local import record

LENIENT = ["--set", "evaluate.min_auc=0.4", "--set", "evaluate.max_auc_drop=1.0"]
NEW_MODEL = ["--span", "2024-03", "--set", "train.seed=1"]
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")

can_mount = pytest.mark.skipif(
    subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False, capture_output=True).returncode != 0,
    reason="this machine lets nobody mount in a namespace of their own",
)


def serving(root: Path) -> list[int]:
    """The versions of the server's model, each of them verified."""
    folder = root / "serving" / "parcels"
    for number in store.versions(folder):
        store.verify(store.read(folder, number))
    return store.versions(folder)


def in_namespace(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a shell script that may mount what nobody else sees; `"$@"` are the arguments."""
    parts = [*NAMESPACE, "sh", "-uc", script, "sh", *map(str, arguments)]
    return subprocess.run(parts, cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False)


@can_mount
@pytest.mark.parametrize("size", ["2m", "3500k"])
def test_a_full_disk_is_said_and_the_run_goes_on_once_there_is_room(few_spans, tmp_path, size):
    """Which node meets it depends on what the files happen to take: it is Transform, or one of the last."""
    root = tmp_path / "runs"
    root.mkdir()
    script = f"""
        mount -t tmpfs -o size={size} tmpfs {root}
        "$@"; echo "exit code $?"
        ls {root}/serving/flight_delay 2>&1
        mount -o remount,size=1g {root}
        "$@"; echo "exit code $?"
        cat {root}/serving/flight_delay/1/manifest.json
    """
    done = in_namespace(script, *command(*LENIENT, spans=few_spans, root=root))
    full, _, after = done.stdout.partition("exit code 1\n")
    words = rf"(Only \d+\.\d MB are left on the disk of {root}: free some space|No space left on device|disk is full)"
    assert re.search(rf"^(NodeFailed|PublishFailed|RootUnusable): .*(\n.*)?{words}", full, re.MULTILINE), (
        done.stdout + done.stderr
    )
    assert "failed" in states(full).values()
    assert "No such file or directory" in after.splitlines()[0]
    assert "exit code 0\n" in after, done.stdout
    assert "cached" in states(after).values(), "what was finished before the disk was full need not be done again"
    assert '"span": "2013-03"' in after


@can_mount
def test_a_disk_without_room_for_the_lock_is_said(parcels, tmp_path):
    root = tmp_path / "runs"
    root.mkdir()
    script = f"""
        mount -t tmpfs -o size=4k tmpfs {root}
        head -c 4096 /dev/zero > {root}/full
        python=$1; shift
        for module in pipeline.local_runner pipeline.retrain; do $python -m $module "$@"; echo "exit code $?"; done 2>&1
    """
    python, _, _, *arguments = command(problem=parcels, root=root)
    done = in_namespace(script, python, *arguments)
    by_hand, tick, rest = done.stdout.split("exit code 1\n")
    assert rest == "", done.stdout
    for said in (by_hand, tick):
        assert f"RootUnusable: {root} cannot be written: [Errno 28] No space left on device. Expected a writable folder" in said
        assert "Traceback" not in said
    assert "retrain.log cannot be written: [Errno 28]" in tick


@can_mount
def test_a_read_only_folder_of_models_publishes_nothing(root, parcels):
    models = root / "serving"
    script = f'mount --bind -o ro {models} {models}; "$@"; echo "exit code $?"'
    arguments = command(*NEW_MODEL, problem=parcels, root=root)
    done = in_namespace(script, *arguments)
    assert "exit code 1\n" in done.stdout
    text = " ".join(done.stdout.split())
    assert f"PublishFailed: Nothing was published to {models / 'parcels'}: [Errno 30] Read-only file system" in text
    assert "Expected a writable folder with room for the model" in text
    assert serving(root) == [1, 2]
    assert run(*NEW_MODEL, problem=parcels, root=root).returncode == 0
    assert serving(root) == [1, 2, 3]


@pytest.mark.skipif(not FAKETIME.exists(), reason="needs Debian's faketime")
def test_a_clock_that_was_set_back_confuses_nobody(root, parcels):
    before = record.last_run(root / "metadata.db")
    environment = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": "-2d"}
    result = run(*NEW_MODEL, problem=parcels, root=root, **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Published version 3" in " ".join(result.stdout.split())
    assert serving(root) == [1, 2, 3]
    assert store.production(root / "serving" / "parcels").number == 3
    after = record.last_run(root / "metadata.db")
    assert after["Trainer"]["model"].id > before["Trainer"]["model"].id
    assert "Every whole month in" in run(problem=parcels, root=root).stdout


def test_locked_metadata_are_waited_for_and_then_said(root, parcels):
    lock = sqlite3.connect(root / "metadata.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        result = run("--span", "2024-03", problem=parcels, root=root)
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    assert result.returncode == 1
    assert f"RootUnusable: {root / 'metadata.db'} cannot be written: database is locked" in result.stdout
    assert serving(root) == [1, 2]


def test_damaged_metadata_are_said_and_the_way_out_works(root, parcels):
    database = root / "metadata.db"
    content = database.read_bytes()
    database.write_bytes(content[: len(content) // 2])
    for module in ("pipeline.local_runner", "pipeline.retrain"):
        arguments = [module if part == "pipeline.local_runner" else part for part in command(problem=parcels, root=root)]
        result = subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
        text = " ".join(result.stdout.split())
        assert result.returncode != 0
        assert f"{database} is damaged: " in text
        assert "move it away, and the folder artifacts beside it" in text
        assert "Traceback" not in result.stdout + result.stderr
    for name in ("metadata.db", "artifacts"):
        (root / name).rename(root / f"{name}.damaged")
    result = run(problem=parcels, root=root)
    assert result.returncode == 0, result.stdout
    assert "runs 2024-02 to 2024-03" in " ".join(result.stdout.split()), "the month of the model in production, no older one"
    assert serving(root) in ([1, 2], [1, 2, 3])
    assert "Every whole month in" in run(problem=parcels, root=root).stdout
