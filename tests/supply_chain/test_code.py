"""No pickle from outside, no YAML that makes objects, no shell: ruff refuses each, in tests too, and nothing is excused."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.supply_chain.lock import REPOSITORY

RULES = ["S102", "S301", "S302", "S307", "S506", "S602", "S604", "S605", "S609"]
PLANTED = {
    "S102": 'exec("1")',
    "S301": "import pickle\n\npickle.loads(b'')",
    "S302": "import marshal\n\nmarshal.loads(b'')",
    "S307": 'eval("1")',
    "S506": "import yaml\n\nyaml.load('', Loader=yaml.Loader)",
    "S602": "import subprocess\n\nsubprocess.run('ls *', shell=True, check=True)",
    "S604": "def start(command, shell):\n    return command\n\n\nstart('ls', shell=True)",
    "S605": "import os\n\nos.system('ls ' + os.getcwd())",
    "S609": "import subprocess\n\nsubprocess.run(['tar', 'c', '*'], shell=True, check=True)",
}
FOLDERS = ["pipeline", "components", "data", "serving", "tflite", "tests"]
# What ruff has no rule for: arrays that are pickles, and Keras files that hold code.
UNSAFE = re.compile(r"allow_pickle\s*=\s*True|safe_mode\s*=\s*False|\b(joblib|cloudpickle|dill)\.loads?\(")


def ruff(*arguments: str, text: str = "") -> list[dict]:
    """What ruff finds, by the project's own settings."""
    command = [str(Path(sys.executable).with_name("ruff")), "check", "--no-cache", "--exit-zero", "--output-format=json"]
    found = subprocess.run([*command, *arguments], input=text, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


@pytest.mark.parametrize("folder", FOLDERS)
def test_ruff_refuses_planted_code(folder):
    for rule, code in PLANTED.items():
        codes = {each["code"] for each in ruff(f"--stdin-filename={folder}/planted.py", "-", text=code + "\n")}
        assert rule in codes, f"{rule} is not in force in {folder}"


def test_nothing_is_excused():
    excused = ruff("--ignore-noqa", f"--select={','.join(RULES)}", ".")
    assert [(each["filename"], each["location"]["row"], each["code"]) for each in excused] == []


def test_no_array_or_model_file_may_hold_code():
    code = {path: path.read_text(encoding="utf-8") for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py")}
    assert len(code) > 100
    assert [str(path) for path, text in code.items() if UNSAFE.search(text) and path != Path(__file__)] == []
