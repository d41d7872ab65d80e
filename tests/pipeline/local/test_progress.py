"""What the lines of a run say, and when; what they look like in a terminal is in test_terminal.py."""

import io

import pytest
from rich.console import Console

from components.shared import steps
from components.shared.steps import Step
from pipeline.local import progress
from pipeline.local.progress import Began, Ended, Pace, Screen


@pytest.fixture
def shown():
    return io.StringIO()


@pytest.fixture
def clock(monkeypatch):
    """Seconds, which tests move on."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_a_node_with_its_state(shown):
    with Screen(Console(file=shown)) as screen:
        for number, state in enumerate(("done", "cached", "skipped", "failed"), 1):
            screen.tell(Began(f"Node{number}", number, 4))
            screen.tell(Ended(state))
    assert [line.split()[:2] for line in shown.getvalue().splitlines()] == [
        ["done", "Node1"],
        ["cached", "Node2"],
        ["skipped", "Node3"],
        ["failed", "Node4"],
    ]


@pytest.mark.parametrize(("error", "state"), [(ValueError, "failed"), (KeyboardInterrupt, "stopped"), (SystemExit, "stopped")])
def test_a_node_that_an_error_or_a_signal_cuts_off_has_its_line_too(shown, error, state):
    with pytest.raises(error), Screen(Console(file=shown)) as screen:
        screen.tell(Began("Trainer", 1, 2))
        raise error
    assert shown.getvalue().split()[:2] == [state, "Trainer"]


def test_without_a_terminal_a_line_each_half_minute(shown, clock):
    with Screen(Console(file=shown, width=20)) as screen:
        screen.tell(Began("Trainer", 8, 16))
        for second in range(1, 96):
            clock[0] += 1
            if second >= 10:
                screen.tell(Step("epoch", second / 50, 3))
            screen.look()
        screen.tell(Ended("done"))
    assert shown.getvalue().splitlines() == [
        "  8/16    Trainer              0:30  epoch 1 of 3  about 2:00 left",
        "  8/16    Trainer              1:00  epoch 2 of 3  about 1:30 left",
        "  8/16    Trainer              1:30  epoch 2 of 3  about 1:00 left",
        "  done    Trainer              95.0 s",
    ]


def test_what_follows_the_last_step_is_not_taken_for_it(shown, clock):
    with Screen(Console(file=shown)) as screen:
        screen.tell(Began("Trainer", 8, 16))
        screen.tell(Step("epoch", 3, 3))
        clock[0] += 30
        screen.look()
        screen.tell(Ended("done"))
    assert shown.getvalue().splitlines()[0] == "  8/16    Trainer              0:30  3 of 3 epochs done"


def test_what_goes_before_the_first_node_has_its_line(shown, clock):
    with Screen(Console(file=shown)) as screen:
        clock[0] += 30
        screen.look()
    assert shown.getvalue() == "          Loading TensorFlow   0:30\n"


def test_the_rest_takes_as_long_a_step_as_what_was_measured():
    pace = Pace()
    assert pace.left(0) is None
    pace.reported(100, Step("epoch", 1.0, 3))  # what came before, an epoch of another run, was not measured
    assert pace.left(101) is None, "one report says nothing of the pace"
    pace.reported(101, Step("epoch", 1.2, 3))
    assert pace.left(101) is None, "a second says too little of it"
    pace.reported(110, Step("epoch", 2.0, 3))
    assert pace.left(110) == pytest.approx(10)
    assert pace.left(114) == pytest.approx(6), "between two reports the time goes on"
    assert pace.left(130) == 0
    pace.reported(130, Step("epoch", 3.0, 3))
    assert pace.left(130) is None, "when all steps are done nothing is known of what follows"


@pytest.mark.parametrize(("done", "number"), [(0, 1), (0.99, 1), (1, 2), (2.5, 3), (3, 3)])
def test_a_step_has_the_number_of_the_one_under_way(done, number):
    assert Step("epoch", done, 3).number == number


def test_steps_are_heard_now_and_then_and_the_last_one_always(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(steps.time, "monotonic", lambda: now[0])
    found: list[Step] = []
    with steps.heard(found.append):
        for batch in range(1, 101):
            now[0] += 0.01
            steps.report("epoch", batch / 100, 1)
    steps.report("epoch", 2, 2)  # nobody listens any more
    assert [round(step.done * 100) for step in found] == [1, 21, 41, 61, 81, 100]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (0.6, "0:01"), (59.4, "0:59"), (67, "1:07"), (3599.6, "1:00:00"), (3661, "1:01:01")]
)
def test_clock(seconds, text):
    assert progress.clock(seconds) == text
