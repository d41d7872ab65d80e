"""The commands that texts name, each with the problem that it is about where that is not the one they take by default.

A problem is its folder, as a person in the checkout writes it; empty: the one by default. Imports nothing heavy.
"""

import shlex
from pathlib import Path

from components.shared.problem_folder import shown

BESIDE = Path("data")  # where make looks for a problem by its name


def named(folder: Path, default: Path) -> str:
    """Return what the functions below take for a problem's folder: empty for the one that is taken by default."""
    return "" if folder.absolute() == default else shown(folder.absolute())


def make(verb: str, problem: str, arguments: str = "") -> str:
    """Return the make verb for a problem, with more arguments of its command.

    >>> [make("run", problem) for problem in ("", "data/trips", "/home/me/trips")]
    ['make run', 'make run PROBLEM=trips', 'make run ARGS="--problem /home/me/trips"']
    """
    by_name = [f"PROBLEM={Path(problem).name}"] if problem and Path(problem).parent == BESIDE else []
    given = " ".join(filter(None, [f"--problem {problem}" if problem and not by_name else "", arguments]))
    return " ".join([f"make {verb}", *by_name, *([f'ARGS="{given}"'] if given else [])])


def module(name: str, problem: str, *arguments: str) -> str:
    """Return the command of a module for a problem, with more arguments as they are typed.

    >>> module("serving.promote", "data/trips", "--stable 3")
    'python -m serving.promote --problem data/trips --stable 3'
    """
    option = [f"--problem {shlex.quote(problem)}"] if problem else []
    return " ".join([f"python -m {name}", *option, *arguments])
