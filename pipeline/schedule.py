"""Print the crontab line that runs `python -m pipeline.retrain`, add it, or remove it."""

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from components.shared.command_line import ended
from components.shared.commands import make, named
from components.shared.errors import BadConfig, ScheduleFailed
from data import DEFAULT_PROBLEM
from pipeline.config import DEFAULT_FILE
from pipeline.local import cron
from pipeline.shared import command_line

CHECKOUT = Path(__file__).parent.parent
MARKER = f"# crosswind: {CHECKOUT}"  # a comment to the shell; names the checkout, so that two do not disturb each other
SHORTHANDS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually", "@reboot")
VALUES = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day of the month": "1 to 31",
    "month": "1 to 12",
    "day of the week": "0 to 7",
}
# What Debian's cron accepts of what cronsim does: no L, W or #, and a step only after * or a range.
PART = r"(\d+|[a-z]{3}|(\*|(\d+|[a-z]{3})-(\d+|[a-z]{3}))(/\d+)?)"


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`."""
    parser = command_line.parser("pipeline.schedule", __doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--install", action="store_true", help="add the line to this user's crontab, or replace it")
    action.add_argument("--remove", action="store_true", help="take it out again")
    parser.add_argument("--at", default="17 3 * * *", help="when, as cron writes it (default: %(default)s)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> None:
    """Show, add or remove the line. Raises BadConfig and ScheduleFailed."""
    marker = marker_of(options.problem)
    if options.remove:
        change_crontab(None, marker)
        console.print("The crontab has no line of this checkout.")
        return
    line = crontab_line(check_time(options.at), options)
    if options.install:
        change_crontab(line, marker)
        console.print("In the crontab:")
    console.print(line, markup=False)
    if not options.install:
        command = make("schedule", named(options.problem, DEFAULT_PROBLEM), "--install")
        console.print(f"To add it to this user's crontab: {command}", markup=False)


def marker_of(problem: Path) -> str:
    """Return what ends the line of a problem: each has a line of its own, and the default one names only the checkout."""
    return MARKER if problem.absolute() == DEFAULT_PROBLEM else f"{MARKER} {shlex.quote(str(problem.absolute()))}"


def crontab_line(at: str, options: argparse.Namespace) -> str:
    """Make the line, with absolute paths: cron starts in the home folder, with hardly any environment. Raises BadConfig."""
    root = Path(command_line.load(options).run.root)
    root = root if root.is_absolute() else (CHECKOUT if not options.root else Path.cwd()) / root
    command = [str(CHECKOUT / ".venv/bin/python"), "-m", "pipeline.retrain"]
    command += ["--root", str(root), "--log", str(root / "logs/cron.log")]
    if options.problem.absolute() != DEFAULT_PROBLEM:
        command += ["--problem", str(options.problem.absolute())]
    if options.config != DEFAULT_FILE:
        command += ["--config", str(options.config.absolute())]
    command += command_line.repeated(options.set)
    # The tick has a lock of its own; this one saves starting Python while a run is on.
    lock = ["flock", "--nonblock", "--conflict-exit-code", "0", str(root / ".cron.lock")]
    steps = [["mkdir", "-p", str(root)], ["cd", str(CHECKOUT)], [*lock, *command]]
    line = f"{at} {' && '.join(map(shlex.join, steps))} {marker_of(options.problem)}"
    if len(line.splitlines()) > 1:
        raise BadConfig(
            f"The command would be {line!r}; expected no line break in a path or setting: a crontab has one line a job."
        )
    return line.replace("%", r"\%")  # cron takes a bare % for the end of the command


def check_time(at: str) -> str:
    """Check a time and return it with one space between fields. Raises BadConfig unless it is like @daily or five fields.

    >>> check_time("17  3 * * *")
    '17 3 * * *'
    """
    if at in SHORTHANDS:
        return at
    fields = at.split()
    if len(fields) != len(VALUES):
        raise BadConfig(
            f"--at {at!r} has {len(fields)} fields; expected five: {', '.join(VALUES)}, or one of {', '.join(SHORTHANDS)}. "
            "(Kubeflow's recurring runs take six, seconds first.)"
        )
    for position, (text, (name, values)) in enumerate(zip(fields, VALUES.items(), strict=True)):
        alone = ["*"] * position + [text] + ["*"] * (len(fields) - position - 1)
        if not re.fullmatch(f"{PART}(,{PART})*", text.lower(), re.ASCII) or not cron.is_ever_due(" ".join(alone)):
            raise BadConfig(
                f"--at {at!r}: {text!r} is not a valid {name}; expected {values}, *, a range, a list or a step: */5."
            )
    if not cron.is_ever_due(" ".join(fields)):
        raise BadConfig(f"--at {at!r} is never due; expected a time that comes. Check that the month has that day.")
    return " ".join(fields)


def change_crontab(line: str | None, marker: str) -> None:
    """Put the line in place of the one that ends with the marker, or remove that; others stay. Raises ScheduleFailed."""
    listed = _crontab("-l", missing_is_empty=True)
    kept = [other for other in listed.splitlines(keepends=True) if not other.rstrip("\n").endswith(marker.replace("%", r"\%"))]
    if kept and line and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    changed = "".join(kept) + (f"{line}\n" if line else "")
    if changed != listed:
        _crontab("-", given=changed)


def _crontab(argument: str, given: str | None = None, missing_is_empty: bool = False) -> str:
    try:
        # Bytes: other lines may have any encoding and line end, and must stay as they are.
        stdin = None if given is None else os.fsencode(given)
        done = subprocess.run(["crontab", argument], input=stdin, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ScheduleFailed(
            "There is no `crontab` on PATH; expected cron: apt install cron, or have another scheduler run the line."
        ) from error
    if done.returncode == 0:
        return os.fsdecode(done.stdout)
    complaint = done.stderr.decode(errors="replace").strip()
    if missing_is_empty and "no crontab for" in complaint:
        return ""
    raise ScheduleFailed(f"`crontab {argument}` ended with {done.returncode}: {complaint}. The crontab is as it was.")


if __name__ == "__main__":
    sys.exit(main())
