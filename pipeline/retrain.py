"""Run the spans that arrived and were not run yet: one tick of the schedule, which cron calls. See `pipeline.schedule`."""

import argparse
import datetime
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from components.shared.commands import module
from components.shared.errors import CrosswindError, Exit, exit_code
from pipeline.config import Config
from pipeline.local import root, tick_log
from pipeline.local.outcome import ExitName, Outcome
from pipeline.local.pending import attempts, due
from pipeline.local.supervisor import AskedToEnd, signals_end_it
from pipeline.local.tick_log import Tick
from pipeline.shared import command_line

# The outcome of a run that left none, by its exit code; for any other code it is "failed".
WITHOUT_OUTCOME: dict[int, ExitName] = {Exit.WRONG_SETTING: "wrong_setting", Exit.INTERRUPTED: "interrupted"}


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: DONE when there was nothing to do."""
    options = parse(arguments)
    with signals_end_it():
        return act(options)


def act(options: argparse.Namespace) -> Exit:
    """Do a tick, and write its line, whatever ends it."""
    start = time.monotonic()
    config = None
    try:
        if options.log:
            tick_log.append_output_to(options.log.absolute())
        config = command_line.load(options)
        with root.claimed(config.root, ".tick.lock"):
            code, facts = tick(config, options)
    except CrosswindError as error:
        code, facts = exit_code(error), {"message": f"{type(error).__name__}: {error}"}
    except (KeyboardInterrupt, AskedToEnd) as error:
        what = error.name if isinstance(error, AskedToEnd) else "Ctrl-C"
        code, facts = Exit.INTERRUPTED, {"message": f"{what}; the next tick resumes after the last finished node"}
    line = Tick(
        time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        outcome=tick_log.NOTHING if code == Exit.DONE else code.name.lower(),
        exit_code=code,
        seconds=round(time.monotonic() - start, 1),
        **facts,
    )
    tick_log.write(line, config)
    return code


def parse(arguments: list[str] | None) -> argparse.Namespace:
    codes = ", ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in Exit)
    parser = command_line.parser("pipeline.retrain", __doc__, epilog=f"Exit codes: {codes}.")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append all output to FILE, and rotate it")
    return parser.parse_args(arguments)


def tick(config: Config, options: argparse.Namespace) -> tuple[Exit, dict[str, Any]]:
    """Run what arrived, oldest first, until a run comes to no decision; return the exit code and what to log.

    A span that was tried too often blocks newer ones, unless it is due for a changed one: a bad delivery of an old span must
    not stop new ones.
    """
    found = due(config)
    known = {"waiting": found.waiting, "superseded": found.superseded, "changed": list(found.changed)}
    runs: list[Outcome] = []
    said: list[str] = []
    stopped = None
    for span in found.pending:
        if len(runs) == config.schedule.catch_up:
            break
        with root.claimed(config.root):
            pass  # a run by hand holds it, which is to be reported as that, and not as a run that failed or came to no decision
        if attempts(config, span) >= config.schedule.attempts:
            said.append(given_up(config, span, found.changed_in(span)))
            if found.changed_in(span):
                continue
            stopped = Exit.NEEDS_A_PERSON
            break
        runs.append(run(config, span, options))
        if not runs[-1].decided:
            said.append(runs[-1].reason)
            stopped = Exit[runs[-1].outcome.upper()]
            break
    best = min((Exit[run.outcome.upper()] for run in runs), default=Exit.NEEDS_A_PERSON if said else Exit.DONE)
    promotion = [run.waits for run in runs if run.waits][-1:]
    message = " ".join(filter(None, [*said, found.told(config), *promotion]))
    return stopped or best, {"message": message, "runs": runs, "incomplete": found.incomplete, **known}


def given_up(config: Config, span: str, changed: list[str]) -> str:
    """Say what a person has to do about a span, which changed ones may have made impossible to run."""
    later = f"later {config.data.unit}s"
    cause, files = f"; {later} wait for it", "its files"
    if changed:
        names = ", ".join(changed)
        cause, files = f" since {names} changed; {later} do not wait for it", f"the files of {names}"
    return (
        f"{span} was tried {config.schedule.attempts} times and came to no decision{cause}. Fix {files}, which restarts the "
        f"count, or what the logs complain of, and then run {module('pipeline.local_runner', config.named, f'--span {span}')}."
    )


def run(config: Config, span: str, options: argparse.Namespace, stdout: int | None = None) -> Outcome:
    """Run one span in a process of its own: a crash, or the kernel for lack of memory, ends the run and not the tick.

    Args:
        config, options: of the run.
        span: the newest of its window.
        stdout: of the process, as Popen takes it. Default: this one's.
    """
    with tempfile.TemporaryDirectory() as folder:
        result, start = Path(folder) / "outcome.json", time.monotonic()
        command = [sys.executable, "-m", "pipeline.local_runner", *command_line.again(options)]
        command += ["--root", config.run.root, "--span", span, "--json", str(result)]
        ending: ExitName = "failed"
        with subprocess.Popen(command, stdout=stdout) as process:
            try:
                code = process.wait(config.schedule.max_hours * 3600)
                ending = WITHOUT_OUTCOME.get(code, "failed")
                reason = f"the run ended with exit code {code}" if code >= 0 else f"the run was ended by signal {-code}"
            except subprocess.TimeoutExpired:
                ending = "limit_exceeded"
                reason = f"the run took more than {config.schedule.max_hours} hours (schedule.max_hours) and was ended"
            finally:
                process.terminate()  # ends all that the run has started; does nothing if it has ended
                process.wait()  # leaving the block does not, after Ctrl-C
        if result.exists():
            return Outcome.model_validate_json(result.read_text(encoding="utf-8"))
        return Outcome(span=span, outcome=ending, reason=reason, seconds=round(time.monotonic() - start, 1))


if __name__ == "__main__":
    sys.exit(main())
