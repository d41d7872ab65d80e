"""Everybody at once: production never holds half a version, and versions are unique and increase."""

import multiprocessing
import random
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest
from conftest import REPOSITORY, command

from components.model_store import labels, store
from components.model_store.manifest import Facts
from components.model_store.restore import restore
from components.shared.errors import CrosswindError, PromotionFailed, exit_code
from serving import promote
from serving.labels_file import Local
from tests.e2e import crashes
from tests.e2e.test_crash import Production, model

PUBLISHERS = 8
EACH = 6
KEEP = 4


def publish_some(folder: Path, sources: list[Path], done) -> None:
    for source in sources:
        version, reason = store.publish(folder, source, {}, Facts(model=source.name), KEEP)
        done.put((time.monotonic(), version.number, reason, source.name))


def roll_back_some(folder: Path, seed: int, done) -> None:
    moments = random.Random(seed)  # noqa: S311 (moments, no secrets)
    for _ in range(EACH):
        time.sleep(moments.uniform(0, 0.05))
        try:
            _, version = restore(folder, None, KEEP)
            done.put((time.monotonic(), version.number, "", "rollback"))
        except CrosswindError as error:  # there may be nothing to go back to
            done.put((time.monotonic(), 0, type(error).__name__, "rollback"))


def look(folder: Path, stop, found) -> None:
    """What a server sees, again and again: each folder with a number is a whole version, or is gone while it is read."""
    looks, torn = 0, []
    while not stop.is_set():
        for number in store.versions(folder):
            try:
                store.verify(store.read(folder, number))
            except (CrosswindError, OSError) as error:
                if number in store.versions(folder):
                    torn.append(f"{number}: {error}")
        looks += 1
    found.put((looks, torn))


def test_eight_publishers_two_rollbacks_and_a_server_at_once(tmp_path):
    folder = tmp_path / "serving"
    context = multiprocessing.get_context("fork")
    done, found, stop = context.Queue(), context.Queue(), context.Event()
    sources = [
        [model(tmp_path / f"m{who}-{n}", f"{who} {n}".encode() * 50_000) for n in range(EACH)] for who in range(PUBLISHERS)
    ]
    watcher = context.Process(target=look, args=(folder, stop, found))
    workers = [context.Process(target=publish_some, args=(folder, own, done)) for own in sources]
    workers += [context.Process(target=roll_back_some, args=(folder, seed, done)) for seed in range(2)]
    try:
        for process in (watcher, *workers):
            process.start()
        moves = [done.get(timeout=120) for _ in range((PUBLISHERS + 2) * EACH)]
        stop.set()
        looks, torn = found.get(timeout=60)
        for process in (watcher, *workers):
            process.join(60)
            assert process.exitcode == 0
    finally:
        for process in (watcher, *workers):
            process.kill()
    assert torn == []
    assert looks > 10
    numbers = [number for _, number, reason, _ in moves if number and not reason]
    assert len(numbers) == len(set(numbers)), "each version was made once"
    assert len([source for *_, source in moves if source != "rollback"]) == PUBLISHERS * EACH
    assert max(numbers) == store.newest(folder).number == len(numbers), "no number was left out"
    assert len(store.versions(folder)) == KEEP
    assert not list(folder.glob(".tmp-*"))


@pytest.mark.parametrize("publisher", ["publish", "roll_back"])
@pytest.mark.parametrize("arguments", [["--stable", "1"], ["--stable", "2"]])
def test_a_promotion_and_a_publisher_give_what_one_behind_the_other_gives(tmp_path, publisher, arguments):
    """Whichever of them is stopped at whichever lock or rename, and the other one comes in between."""
    production = Production(tmp_path)

    def published() -> None:
        try:
            getattr(production, publisher)()
        except CrosswindError as error:
            sys.exit(exit_code(error))

    def promoted() -> None:
        sys.exit(promote.main([*arguments, "--folder", str(production.models), "--no-server"]))

    def state() -> tuple:
        return store.versions(production.versions), labels.read(production.versions)

    serial = []
    for first, second in ((published, promoted), (promoted, published)):
        codes = {work: crashes.in_child(work) for work in (first, second)}
        serial.append((codes, *state()))
        production.again()
    for first, second in ((published, promoted), (promoted, published)):
        for number in count(1):
            met, *codes = crashes.interleaved(number, first, second)
            assert (dict(zip((first, second), codes, strict=True)), *state()) in serial, f"{first.__name__} stopped at {number}"
            production.again()
            if not met:
                break
        assert number > 3


def test_of_two_writers_of_the_config_none_loses_what_it_wrote(tmp_path):
    """One is stopped at whichever file operation, and the other one comes in between."""
    models, file = Local(tmp_path), tmp_path / labels.CONFIG

    def write(*lines: str) -> None:
        """Each line with the mark that the line before gave, as a promotion does it."""
        text, mark = models.read()
        try:
            for line in lines:
                text += line
                mark = models.replace(text, mark)
        except PromotionFailed as error:
            sys.exit(exit_code(error))

    outcomes = set()
    for number in count(1):
        met, *codes = crashes.interleaved(number, lambda: write("# 1\n", "# 2\n"), lambda: write("# 3\n"), crashes.OPERATIONS)
        kept = file.read_text()
        assert "# 2" in kept or codes[0], f"stopped at {number}"
        assert "# 3" in kept or codes[1], f"stopped at {number}"
        outcomes.add(tuple(codes))
        file.unlink()
        if not met:
            break
    assert outcomes == {(0, 0), (0, 1), (1, 0)}
    assert number > 10


def test_of_two_runs_and_a_tick_in_one_folder_one_runs_and_the_others_say_who(parcels, tmp_path):
    root = tmp_path / "runs"
    first = subprocess.Popen(command(problem=parcels, root=root), cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not list(root.glob("logs/*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        for module in ("pipeline.local_runner", "pipeline.retrain"):
            arguments = [module if part == "pipeline.local_runner" else part for part in command(problem=parcels, root=root)]
            other = subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
            assert other.returncode not in (0, None)
            text = " ".join(other.stdout.split())
            assert f"{root} is in use by process " in text
            assert "wait for it to end" in text
        assert first.poll() is None
    finally:
        first.terminate()
        first.wait(60)
