"""What the READMEs name is there: files, folders, links and their headings."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY

from pipeline.problem import Words
from pipeline.shared.sections import Data, Drift, Evaluate, Gate, Mobile, Train

FOLDERS = ("components", "data", "pipeline", "serving", "tests", "tflite")
PATHS = [*REPOSITORY.glob("*"), *(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*"))]
READMES = sorted(path.relative_to(REPOSITORY) for path in PATHS if path.suffix == ".md")
ENDINGS = "py|toml|md|yaml|json|pbtxt|csv|kts|xml|pro|svg|png|j2|config|lock|conf"
NAMED = re.compile(rf"[\w./-]+\.(?:{ENDINGS})|[\w.-]+(?:/[\w.-]+)*/")
MADE = {  # by a run, a test or a person
    *("artifacts/", "backups/", "logs/", "mobile/", "pipelines/", "reports/", "spans/"),
    *("canary.json", "content.json", "corpus.json", "facts.json", "index.html", "manifest.json", "model_card.json"),
    *("model_card.md", "report.json", "_old.csv", "models.config", "data/parcels/build.py", "pipeline.yaml", "propose.py"),
    "row.json",
}


def of_the_example(name: str) -> bool:
    """Whether a name is one of the flights' where somebody's own problem took their place: the READMEs tell of them."""
    return "flights" in name and not (REPOSITORY / "data" / "flights").exists()


def text(readme: Path) -> str:
    return (REPOSITORY / readme).read_text(encoding="utf-8")


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_the_readme_fits_a_few_screens():
    assert len(text(Path("README.md")).splitlines()) <= 200


def test_the_readme_shows_the_verbs_that_make_has():
    command = ["make", "--no-print-directory", "help"]  # make says where it is when another make runs the tests
    verbs = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert f"$ make help\n{verbs}```" in text(Path("README.md"))


@pytest.mark.parametrize("section", [Words, Data, Gate, Drift, Train, Evaluate, Mobile])
def test_the_table_of_keys_is_the_code(section):
    """Names and defaults; what a key means where the code says so beside it."""
    told, at = text(Path("data/README.md")), "problem.words" if section is Words else section.__name__.lower()
    for name, field in section.model_fields.items():
        if not field.is_required():
            default = json.dumps(field.get_default(call_default_factory=True))
            assert f"| `{at}.{field.alias or name}` | {default} | {field.description or ''}" in told


@pytest.mark.parametrize("readme", READMES, ids=str)
def test_links_lead_somewhere(readme):
    for target in re.findall(r"\]\(([^)\s]+)\)", text(readme)):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        found = REPOSITORY / readme.parent / path if path else REPOSITORY / readme
        assert found.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in map(anchor, headings), target


@pytest.mark.parametrize("readme", READMES, ids=str)
def test_files_that_are_named_exist(readme):
    """From the root, or anywhere below the README's folder. Fenced blocks show what a command says, and are left out."""
    below = [str(path) for path in PATHS if path.is_relative_to(REPOSITORY / readme.parent)]
    prose = re.sub(r"^ *```.*?^ *```", "", text(readme), flags=re.DOTALL | re.MULTILINE)
    for name in re.findall(r"`([^`\n]+)`", prose):
        if NAMED.fullmatch(name) and name not in MADE and not name.startswith("runs/") and not of_the_example(name):
            found = (REPOSITORY / name).exists() or any(path.endswith(f"/{name.rstrip('/')}") for path in below)
            assert found, f"{name} is not there"


@pytest.mark.parametrize("readme", READMES, ids=str)
def test_commands_that_are_named_exist(readme):
    for module in re.findall(r"-m ([a-z_]+(?:\.[a-z_]+)+)", text(readme)):
        assert of_the_example(module) or (REPOSITORY / module.replace(".", "/")).with_suffix(".py").exists(), module


@pytest.mark.parametrize("readme", READMES, ids=str)
def test_verbs_that_are_named_exist(readme):
    verbs = set(re.findall(r"^([a-z-]+(?: [a-z-]+)*):", text(Path("Makefile")), re.MULTILINE))
    named = set(re.findall(r"(?:`|\$ )make ([a-z][a-z-]*)", text(readme)))
    assert named <= {verb for line in verbs for verb in line.split()}
