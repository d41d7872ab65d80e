"""Debian's Chromium, and a folder of reports as runs leave it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from components.run_report import write
from components.run_report.facts import RunFacts
from tests.components.run_report import samples
from tests.components.run_report.histories import history

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")  # not the session: while it is open its event loop runs, and asyncio.run is refused
def browser() -> Iterator[Browser]:
    """One process for the tests of a module; each test has windows of its own."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium: apt-get install chromium fonts-dejavu-core")
    # Chromium's sandbox refuses to run as root; it opens our own files only.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def runs() -> dict[str, RunFacts]:
    """A run of each kind, by kind, newer than a year of runs before them."""
    kinds = {
        kind: run.model_copy(update={"run": f"2026-12-01T0{hour}:00:00.000001", "started": f"2026-12-01T0{hour}:00:00+00:00"})
        for hour, (kind, run) in enumerate(samples.every().items())
    }
    return kinds | {run.span: run for run in history(12)}


@pytest.fixture(scope="session")
def reports(runs: dict[str, RunFacts], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their pages and facts, and the history."""
    folder = tmp_path_factory.mktemp("reports")
    for run in runs.values():
        write.write_run(folder / run.run, run)
    write.renew(folder)
    return folder
