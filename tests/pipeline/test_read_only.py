"""Every command of the Kubeflow runner as the CronJob's container runs it: user 65532, a read-only root but for /tmp."""

import subprocess
import sys

import pytest
from conftest import REPOSITORY

from tests.pipeline.kubeflow.api_stub import api_server

USER = 65532  # of the image, and of pipeline/kubeflow/gke/overlays/cronjob
NAMESPACE = ["unshare", "--user", f"--map-user={USER}", f"--map-group={USER}", "--mount", "--keep-caps", "sh", "-euc"]
# Every mount but the kernel's becomes read-only; then the rights to undo that are given up.
SCRIPT = """
    for at in $(awk '{print $2}' /proc/self/mounts | sort -u); do
        case $at in /proc*|/sys*|/dev*) ;; *) mount -o remount,bind,ro "$at" 2>/dev/null || true;; esac
    done
    mount -t tmpfs tmpfs /tmp
    exec setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
"""
COMMANDS = """
import os, sys
from pipeline import kubeflow_runner
assert os.getuid() == 65532
for folder in (os.environ["HOME"], "/", os.getcwd()):
    try:
        os.mkdir(f"{folder}/made")
    except OSError:
        continue
    sys.exit(f"{folder} can be written")
for verb in ("compile -o /tmp/p.yaml", "upload", "run --wait", "schedule", "schedule --remove"):
    code = kubeflow_runner.main([*verb.split(), "--host", sys.argv[1]])
    print(f"{verb}: {code}", flush=True)
print("below /tmp:", sorted({*os.listdir("/tmp")} - {".keras"}))  # Keras' settings, where there is no home
"""

can_unshare = pytest.mark.skipif(
    subprocess.run([*NAMESPACE, SCRIPT, "sh", "true"], check=False, capture_output=True).returncode != 0,
    reason="this machine lets nobody mount in a namespace of their own",
)


@can_unshare
@pytest.mark.needs("pipeline.kubeflow_runner")
def test_every_command_works_and_writes_its_output_alone():
    with api_server() as api:
        command = [*NAMESPACE, SCRIPT, "sh", "env", "-i", "PATH=/usr/bin:/bin", "HOME=/home/crosswind", "PYTHONPATH=."]
        command += [sys.executable, "-c", COMMANDS, api.address]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        for verb in ("compile -o /tmp/p.yaml", "upload", "run --wait", "schedule", "schedule --remove"):
            assert f"{verb}: 0\n" in done.stdout, said
        assert "below /tmp: ['p.yaml']" in done.stdout, said
        assert "Traceback" not in said
        assert (len(api.runs), api.recurring) == (1, [])
