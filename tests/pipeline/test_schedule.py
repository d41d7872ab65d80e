"""The crontab line. Where Debian's cron is missing, a stand-in of three lines takes the place of its `crontab`."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY

from components.shared.errors import BadConfig, ScheduleFailed
from pipeline import schedule

STAND_IN = """#!/bin/sh
[ "$1" = -l ] || exec cat > "$CRONTAB_FILE"
cat "$CRONTAB_FILE" 2>/dev/null || { echo "no crontab for me" >&2; exit 1; }
"""


@pytest.fixture
def crontab(tmp_path, monkeypatch) -> Path:
    """The file behind a stand-in for `crontab`: the tests must not touch the crontab of who runs them."""
    program = tmp_path / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("CRONTAB_FILE", str(tmp_path / "crontab"))
    return tmp_path / "crontab"


def line(capsys, *arguments: str) -> str:
    assert schedule.main(list(arguments)) == 0
    return next(text for text in capsys.readouterr().out.splitlines() if "pipeline.retrain" in text)


def test_the_line_locks_rotates_and_has_absolute_paths(capsys, tmp_path):
    text = line(capsys, "--root", str(tmp_path / "runs"))
    assert text.startswith("17 3 * * * ")
    assert f"cd {REPOSITORY} && flock --nonblock" in text
    assert f"--log {tmp_path}/runs/logs/cron.log" in text
    assert text.endswith(f"# crosswind: {REPOSITORY}")


def test_the_shell_gives_the_tick_its_arguments_back(capsys, tmp_path):
    """Runs the line's command with a stand-in for Python that prints what it was given."""
    setting = "schedule.notify=mail -s 'crosswind %d' me"
    text = line(capsys, "--root", str(tmp_path / "a b"), "--set", setting)
    command = text.removeprefix("17 3 * * * ").replace(r"\%", "%")
    command = command.replace(str(REPOSITORY / ".venv/bin/python"), "printf '%s\\n'")
    printed = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True).stdout.splitlines()
    assert printed[:4] == ["-m", "pipeline.retrain", "--root", str(tmp_path / "a b")]
    assert printed[-2:] == ["--set", setting]
    assert (tmp_path / "a b" / ".cron.lock").exists()


def test_a_percent_sign_does_not_end_the_command(capsys):
    assert r"100\%" in line(capsys, "--set", "schedule.notify=echo 100%")


def test_installing_twice_leaves_one_line_and_all_others(crontab, capsys):
    others = "MAILTO=me\n\n# my own\n5 4 * * 1 backup --all\n"
    crontab.write_text(others)
    line(capsys, "--install", "--at", "@daily")
    text = line(capsys, "--install", "--at", "*/15 1-5 * jan,mar mon")
    assert crontab.read_text() == f"{others}{text}\n"
    assert schedule.main(["--remove"]) == 0
    assert crontab.read_text() == others
    assert schedule.main(["--remove"]) == 0
    assert crontab.read_text() == others


def test_a_crontab_that_is_empty_or_ends_without_a_newline(crontab, capsys):
    text = line(capsys, "--install")
    assert crontab.read_text() == f"{text}\n"
    crontab.write_text("5 4 * * 1 backup")
    line(capsys, "--install")
    assert crontab.read_text() == f"5 4 * * 1 backup\n{text}\n"


def test_bytes_of_other_lines_stay(crontab, capsys):
    others = b"A=1\r\n# caf\xe9 in Latin-1\n5 4 * * 1 backup\x0c\n"
    crontab.write_bytes(others)
    text = line(capsys, "--install")
    assert crontab.read_bytes() == others + f"{text}\n".encode()
    assert schedule.main(["--remove"]) == 0
    assert crontab.read_bytes() == others


def test_a_line_break_is_refused(capsys):
    assert schedule.main(["--set", "schedule.notify=mail\nme"]) == 2
    assert "expected no line break in a path or setting" in capsys.readouterr().out
    assert line(capsys, "--at", "17 3 *\n* *").startswith("17 3 * * * mkdir")


def test_another_checkouts_line_stays(crontab, capsys):
    other = "17 3 * * * cd /elsewhere && true # crosswind: /elsewhere\n"
    crontab.write_text(other)
    line(capsys, "--install")
    schedule.main(["--remove"])
    assert crontab.read_text() == other


@pytest.mark.parametrize("at", ["17 3 * * *", "*/5 * * * *", "0 0 1 1 0", "1,2,40-50/2 * * feb SUN", "@weekly"])
def test_what_cron_understands_is_accepted(at):
    assert schedule.check_time(at) == at


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("0 17 3 * * *", "has 6 fields; expected five"),
        ("3 * *", "has 3 fields"),
        ("60 3 * * *", "'60' is not a valid minute; expected 0 to 59"),
        ("0 3 0 * *", "'0' is not a valid day of the month"),
        ("0 3 * foo *", "'foo' is not a valid month"),
        ("0 5-3 * * *", "'5-3' is not a valid hour"),
        ("*/0 * * * *", "'*/0' is not a valid minute"),
        ("5/2 * * * *", "'5/2' is not a valid minute"),
        ("17 3 31 2 *", "is never due"),
        ("0 3 * * mon/2", "'mon/2' is not a valid day of the week"),
        ("@often", "has 1 fields"),
        ("0 3 * * *; rm", "has 6 fields"),
        ("0 3 * * $(x)", "is not a valid day of the week"),
    ],
)
def test_what_cron_does_not_is_refused(at, message):
    with pytest.raises(BadConfig, match=message.replace("*", r"\*")):
        schedule.check_time(at)


def test_without_cron_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ScheduleFailed, match="no `crontab` on PATH; expected cron: apt install cron"):
        schedule.change_crontab("x", schedule.MARKER)


@pytest.mark.skipif(not shutil.which("crontab"), reason="Debian's cron is not installed")
@pytest.mark.parametrize("at", ["17 3 * * *", "*/5 * * * *", "1,2,40-50/2 * * feb SUN", "0 5-7/2 * jan-mar mon-fri", "@weekly"])
def test_the_real_crontab_accepts_the_line(capsys, tmp_path, at):
    """`crontab -n` checks a file and installs nothing; releases without it are not asked."""
    if "dry run" not in subprocess.run(["crontab", "-h"], capture_output=True, text=True, check=False).stderr:
        pytest.skip("this crontab cannot check a file")
    (tmp_path / "crontab").write_text(line(capsys, "--at", at) + "\n")
    subprocess.run(["crontab", "-n", str(tmp_path / "crontab")], check=True)


def test_the_line_survives_quoting():
    options = schedule.argparse.Namespace(root="/x y", set=[], problem=schedule.DEFAULT_PROBLEM, config=schedule.DEFAULT_FILE)
    assert shlex.quote("/x y/logs/cron.log") in schedule.crontab_line("@daily", options)


def test_another_problem_is_named_in_the_line_and_has_a_line_of_its_own(parcels):
    options = schedule.argparse.Namespace(root=None, set=[], problem=schedule.DEFAULT_PROBLEM, config=schedule.DEFAULT_FILE)
    default = schedule.crontab_line("@daily", options)
    options.problem = parcels
    line = schedule.crontab_line("@daily", options)
    assert f"--problem {parcels}" in line and "--problem" not in default
    assert line.split("# crosswind")[1] != default.split("# crosswind")[1]


def test_how_to_add_the_line_names_a_problem_that_is_not_the_default_one(capsys, parcels):
    assert schedule.main([]) == 0
    assert capsys.readouterr().out.endswith('crontab: make schedule ARGS="--install"\n')
    assert schedule.main(["--problem", str(parcels)]) == 0
    assert capsys.readouterr().out.endswith(f'crontab: make schedule ARGS="--problem {parcels} --install"\n')
