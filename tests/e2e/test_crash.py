"""Whatever is killed, whenever: production holds whole versions only, and doing it again gives what an undisturbed one gives.

Here the kills of whoever writes to production, at each of their file operations. Kills of the nodes take an hour:
`make test-crash`.
"""

import random
import shutil
import signal
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from components.model_store import contents, labels, store
from components.model_store.manifest import Facts
from components.model_store.restore import restore
from components.shared.errors import Exit
from serving import promote
from tests.e2e import crashes
from tests.serving.servers import stubbed

pytestmark = pytest.mark.timeout(2400)

LARGE = 20_000_000  # bytes: a kill at random often meets a file half written


def model(folder: Path, weights: bytes) -> Path:
    """A folder in the shape of a SavedModel."""
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "assets" / "carrier").write_bytes(b"UA\nAA\n")
    (folder / "variables" / "variables.data").write_bytes(weights)
    return folder


class Production:
    """A folder with versions 1 and 2 of a model, and the next candidate; `again` puts it back to that."""

    def __init__(self, folder: Path, size: int = 1):
        self.models, self._kept = folder / "serving", folder / "kept"
        self.versions = self.models / "flight_delay"
        self.statistics = folder / "FeatureStats.pb"
        self.statistics.write_bytes(b"statistics")
        self.candidates = {number: model(folder / f"model{number}", bytes([number]) * size) for number in (1, 2, 3)}
        for number in (1, 2):
            self.publish(number)
        shutil.copytree(self.models, self._kept)

    def again(self) -> None:
        shutil.rmtree(self.models)
        shutil.copytree(self._kept, self.models)

    def publish(self, number: int = 3) -> None:
        """Two are kept: the third one deletes the first."""
        extra = {contents.STATISTICS: self.statistics, contents.WARM_UP: self.statistics}
        store.publish(self.versions, self.candidates[number], extra, Facts(span=f"2013-0{number}"), keep=2)

    def roll_back(self) -> None:
        restore(self.versions, None, keep=2)

    def promote(self) -> None:
        assert promote.main(["--stable", "1", "--folder", str(self.models), "--no-server"]) == 0

    def whole(self) -> list[int]:
        """Numbers of the versions, each compared with its manifest."""
        numbers = store.versions(self.versions)
        for number in numbers:
            store.verify(store.read(self.versions, number))
        assert store.production(self.versions) is not None
        return numbers


@pytest.fixture
def production(tmp_path):
    return Production(tmp_path)


def test_a_publish_killed_before_any_file_operation(production):
    production.publish()
    undisturbed = crashes.content(production.models)
    production.again()
    killed = []
    for operation in crashes.every_operation(production.publish):
        assert production.whole() in ([1, 2], [1, 2, 3], [2, 3])
        production.publish()
        assert crashes.content(production.models) == undisturbed, f"after a kill before {operation}"
        assert not list(production.versions.glob(".tmp-*"))
        killed.append(operation)
        production.again()
    assert killed.count("os.rename") >= 2, "one puts the version in its place, one takes the oldest away"
    assert len(killed) > 50


def test_a_publish_killed_at_random_moments(tmp_path):
    production = Production(tmp_path, LARGE)
    seconds = [crashes.seconds_of(production.publish)]
    undisturbed = crashes.content(production.models)
    moments = random.Random(2013)  # noqa: S311 (moments, no secrets)
    killed = tries = 0
    while killed < 10:
        production.again()
        killed += crashes.at_moment(moments.uniform(0, statistics.median(seconds)), production.publish)
        assert production.whole() in ([1, 2], [1, 2, 3], [2, 3])
        seconds.append(crashes.seconds_of(production.publish))
        assert crashes.content(production.models) == undisturbed
        tries += 1
        assert tries < 200, f"only {killed} of {tries} kills met the work: the moments must be wrong"


def test_a_rollback_killed_before_any_file_operation(production):
    """It cannot be told from one that was asked for twice, so it is not repeated: before or after, nothing between."""
    before = production.whole()
    for _ in crashes.every_operation(production.roll_back):
        numbers = production.whole()
        assert numbers in (before, [1, 2, 3], [2, 3])
        manifest = store.production(production.versions).manifest
        assert manifest.span == ("2013-02" if numbers == before else "2013-01")
        production.publish()
        production.whole()
        assert store.production(production.versions).manifest.span == "2013-03"
        production.again()


def test_a_promotion_killed_before_any_file_operation(production):
    production.promote()
    undisturbed = crashes.content(production.models)
    production.again()
    for _ in crashes.every_operation(production.promote):
        production.whole()
        assert labels.read(production.versions).labels in ({}, {"stable": 1, "previous": 2})
        production.promote()
        assert crashes.content(production.models) == undisturbed
        production.again()


PINNED = 'model_config_list {{ config {{ name: "flight_delay" model_version_policy {{ specific {{ versions: {} }} }} }} }}'


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("config", "move", "before", "after"),
    [
        (PINNED.format(1), "--canary=2", 1, {"stable": 1, "canary": 2}),
        (PINNED.format(1), "--stable=2", 1, {"stable": 2, "previous": 1}),
        (PINNED.format(2), "--stable=1", 2, {"stable": 1, "previous": 2}),
        ("", "--canary=1", 2, {"stable": 2, "canary": 1}),
        ("", "--stable=1", 2, {"stable": 1, "previous": 2}),
    ],
)
def test_a_promotion_that_ends_while_a_stubbed_server_loads(production, end, config, move, before, after):  # noqa: PLR0917
    """Users get what they got, and doing it again completes it. Only Ctrl-C leaves time to put the file back."""
    file = production.models / labels.CONFIG
    if config:
        file.write_text(config)
    command = [sys.executable, "-m", "serving.promote", "--folder", str(production.models), move]
    with stubbed() as (url, asked):
        process = subprocess.Popen([*command, "--server", url], cwd=REPOSITORY, stdout=subprocess.DEVNULL)
        try:
            assert asked.wait(60)
            process.send_signal(end)
            code = process.wait(60)
        finally:
            process.kill()
            process.wait()
    assert store.production(production.versions).number == before
    if end == signal.SIGINT:
        assert code == Exit.INTERRUPTED
        assert (file.read_text() if file.exists() else "") == config
    else:
        assert code == -end
        loaded = {before, *after.values()}
        assert labels.read(production.versions) == labels.Pins({"stable": before} if config else {}, tuple(sorted(loaded)))
        production.publish()
        assert store.production(production.versions).number == before, "what is published waits, for something is pinned"
    assert promote.main([*command[3:], "--no-server"]) == 0
    assert labels.read(production.versions).labels == after
