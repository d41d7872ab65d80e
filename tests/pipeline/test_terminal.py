"""What a person sees of a run in a terminal: the real command, on a DAG that takes a moment."""

import logging
import re
import sys

import pytest

from pipeline import local_runner
from pipeline.local import root
from tests.pipeline import small_dag
from tests.terminals import Seen, forked_in_terminal, rendered


@pytest.fixture
def run(parcels, tmp_path, monkeypatch, nothing_to_free):
    """Runs it in a terminal. The second node does what `small_dag.HANGS` has under the name of its behaviour."""
    monkeypatch.setattr("pipeline.model.distribution.create", lambda *_: None)  # TensorFlow's threads survive no fork
    monkeypatch.setattr(local_runner, "conclude", lambda *_: (None, "Concluded.\n"))
    arguments = ["--problem", str(parcels), "--root", str(tmp_path / "runs"), "--span", "2024-02"]

    def in_one(behaviour: str, *further: str, columns: int = 80, **environment: str) -> Seen:
        monkeypatch.setattr("pipeline.dag.create_pipeline", lambda *_: small_dag.create(tmp_path, hangs=behaviour))

        def command() -> int:
            logging.basicConfig(stream=sys.stderr, force=True)  # instead of the handlers of the tests
            return root.leave(local_runner.main([*arguments, *further]))

        return forked_in_terminal(command, columns=columns, **{"TERM": "xterm-256color"} | environment)

    return in_one


def log_of(seen: Seen) -> str:
    with open(re.search("^Log: (.*)$", seen.text, re.MULTILINE)[1]) as log:  # noqa: PTH123
        return log.read()


def shape(seen: Seen) -> list[str]:
    """The lines without figures, and without those that a busy machine adds after half a minute."""
    return [re.sub(r"[\d.]+ s$", "_ s", line) for line in seen.text.splitlines() if not re.search(r" \d:\d\d\b", line)]


def test_one_line_lives_and_the_rest_is_what_a_pipe_gets(run):
    seen = run("steps", columns=72)
    assert seen.code == 0
    assert shape(seen)[2:] == [
        "  done    Make                  _ s",
        "  done    Use                   _ s",
        "  done    Close                 _ s",
        "Concluded.",
    ]
    assert max(map(len, seen.screen)) <= 72
    assert re.search(r"  2/3     Use                  0:0\d  epoch 2 of 3  about 0:0\d left", seen.raw)
    assert seen.raw.count("\x1b[?25l") == seen.raw.count("\x1b[?25h") == 1, "the cursor is there again"
    assert log_of(seen).count("of a library") == 31


@pytest.mark.parametrize(("columns", "environment"), [(120, {"TERM": "dumb"}), (80, {"NO_COLOR": "1"})], ids=str)
def test_the_traceback_is_in_the_log_on_a_terminal_too(run, columns, environment):
    seen = run("breaks", columns=columns, **environment)
    assert seen.code == 1
    assert shape(seen)[2:] == [
        "  done    Make                  _ s",
        "  failed  Use                   _ s",
        "  done    Close                 _ s",
        "NodeFailed: Use failed: ZeroDivisionError: a bug",
        "The traceback is in the log.",
        "Exit code 1: it failed, and one message says why.",
    ]
    assert "\x1b" not in seen.raw or environment["TERM" if "TERM" in environment else "NO_COLOR"] != "dumb"
    log = log_of(seen)
    assert "Traceback (most recent call last)" in log and "ZeroDivisionError: a bug" in log
    assert "Component Make is finished." in log


def test_verbose_shows_the_logs_and_no_line_lives_among_them(run):
    seen = run("breaks", "--verbose")
    assert "Traceback (most recent call last)" in seen.raw and "Component Make is finished." in seen.raw
    assert "\x1b[2K" not in seen.raw
    assert "Log: " not in seen.raw


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        ("one\r\x1b[2Ktwo\r\nthree\r\n", ["two", "three", ""]),
        ("12345678", ["12345", "678"]),
        ("12345\r\x1b[2Kx", ["x"]),
        ("123456\r\x1b[2Kx", ["12345", "x"]),
        ("a\r\nb\r\x1b[1A\x1b[2Kc", ["c", "b"]),
    ],
)
def test_the_terminal_of_these_tests_does_what_a_terminal_does(raw, lines):
    assert rendered(raw, 5) == lines
