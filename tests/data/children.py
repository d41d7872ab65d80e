"""Runs the corpus in a process of its own, and holds what came of a case against what must."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

from conftest import REPOSITORY

from tests.data.corpus.cases import Case


def results(what: str, folder: Path, *cases: str, seconds: float = 900) -> dict[str, dict]:
    """What came of each case, by name; of a case that ended or stopped the process there is nothing.

    Args:
        what: "reader" or "chain", see `child`.
        folder: where the cases are written.
        cases: their names; none: all.
        seconds: until the process is ended.
    """
    command = [sys.executable, "-m", "tests.data.child", what, str(folder), *cases]
    with (folder / "errors.log").open("wb") as errors:
        child = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=errors, text=True)
        watch = threading.Timer(seconds, child.kill)
        watch.start()
        try:
            found = [json.loads(line) for line in child.stdout or () if line.startswith("{")]
            child.wait()
        finally:
            watch.cancel()
            child.kill()
    return {result["case"]: result for result in found}


def check(case: Case, found: dict[str, dict], *, at_the_gate: str, megabytes: float, seconds: float) -> None:
    """Asserts the case's outcome, and that it took no more memory and time than this.

    Args:
        case: the case.
        found: see `results`.
        at_the_gate: what must come of what the DataGate refuses.
        megabytes, seconds: the bounds.
    """
    assert case.name in found, "the process ended in this case, or in one before it"
    result = found[case.name]
    if case.outcome == "DataRejected" and at_the_gate != "DataRejected":
        assert result["outcome"] == at_the_gate, result["text"]
    else:
        assert result["outcome"] == case.outcome, result["text"]
        assert re.search(case.message, result["text"], re.DOTALL), result["text"]
        assert len(result["text"]) < 10_000
        assert all(line.isprintable() for line in result["text"].splitlines())
    assert result["mb"] < megabytes
    assert result["seconds"] < seconds
