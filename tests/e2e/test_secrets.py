"""What two whole runs write holds no secret of their environment or settings."""

from pathlib import Path

from planted import SECRET, leaks

from components.model_store import store
from components.run_report import facts


def test_two_whole_runs_leave_none(two_runs):
    """Their environment and `schedule.notify` hold one."""
    assert leaks(two_runs.root) == []
    assert leaks(two_runs.temporary) == []
    assert SECRET not in two_runs.first + two_runs.second
    assert store.read(two_runs.root / "serving" / "flight_delay", 1).manifest.configuration["schedule"]["notify"] == "***"
    for said in (two_runs.first, two_runs.second):
        told = facts.read(Path(said.rpartition("Report: ")[2].strip()).parent)
        assert told.configuration["schedule"]["notify"] == "***"
        assert """--set 'schedule.notify="***"'""" in told.reproduce[-1]
