"""Has Debian's cron run a tick of the schedule, for real. Run: `make check-cron` (as root, with the package cron installed).

It installs the tick for every minute on a folder of its own, starts a cron daemon, waits for the line in retrain.log, and puts
the crontab back as it was.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
SECONDS = 150


def main() -> int:
    if os.geteuid() != 0 or not shutil.which("cron"):
        print("This check needs root and Debian's cron: apt install cron")
        return 1
    before = subprocess.run(["crontab", "-l"], capture_output=True, check=False)
    if before.returncode != 0 and b"no crontab for" not in before.stderr:
        print(f"The crontab cannot be read, so it could not be put back: {before.stderr.decode(errors='replace').strip()}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        # Two months make no window of three: there is nothing to run, so the tick is quick.
        spans, root = Path(folder) / "spans", Path(folder) / "runs"
        for month in ("2013-01", "2013-02"):
            (spans / month).mkdir(parents=True)
        schedule = [sys.executable, "-m", "pipeline.schedule", "--root", str(root), "--set", f"data.spans={spans}"]
        try:
            subprocess.run([*schedule, "--install", "--at", "* * * * *"], cwd=REPOSITORY, check=True)
            return tick_by_a_daemon(root / "retrain.log")
        finally:
            subprocess.run([*schedule, "--remove"], cwd=REPOSITORY, check=False)
            put_back(before)
            time.sleep(2)  # a tick that has just started still writes


def put_back(before: subprocess.CompletedProcess) -> None:
    """The whole crontab, since --install may have taken the place of this checkout's own line."""
    if before.returncode == 0:
        subprocess.run(["crontab", "-"], input=before.stdout, check=True)
    elif subprocess.run(["crontab", "-l"], capture_output=True, check=False).returncode == 0:
        subprocess.run(["crontab", "-r"], check=True)


def tick_by_a_daemon(log: Path) -> int:
    daemon = subprocess.Popen(["cron", "-f"])
    try:
        return wait_for(log, daemon)
    finally:
        daemon.terminate()
        daemon.wait()


def wait_for(log: Path, daemon: subprocess.Popen) -> int:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if daemon.poll() is not None:
            print(f"cron ended with exit code {daemon.returncode}; is another one running?")
            return 1
        if log.exists() and (line := log.read_text().strip()):
            print(f"Cron ran the tick:\n{line}")
            return 0
        time.sleep(1)
    print(f"No tick within {SECONDS} s.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
