"""Writes the page of a run, and the history of all runs beside it."""

from pathlib import Path

from components.files import temporary_folder
from components.run_report import facts, history, page
from components.run_report.facts import RunFacts

PAGE = "index.html"


def write(reports: Path, found: RunFacts) -> Path:
    """Writes `<reports>/<run>/`, each file at once, and renews the history. Returns the page."""
    folder = reports / found.run
    write_run(folder, found)
    history.update(reports)
    return folder / PAGE


def write_run(folder: Path, found: RunFacts) -> None:
    """Writes facts and page of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {facts.FILE: found.model_dump_json(indent=1) + "\n", PAGE: page.render(found)}
    with temporary_folder(folder) as beside:
        for name, content in contents.items():
            (beside / name).write_text(content, encoding="utf-8")
            (beside / name).replace(folder / name)
