"""Write the page of a run, and renew those of the runs before and after it and the history of all."""

from collections.abc import Collection
from pathlib import Path

from components.run_report import facts, history, page
from components.run_report.facts import RunFacts
from components.shared import files

PAGE = "index.html"


def write(reports: Path, found: RunFacts) -> Path:
    """Write `<reports>/<run>/`, each file atomically, and renew what its neighbours' pages say of it. Returns the page."""
    write_facts(reports / found.run, found)
    pages(reports, [found.run])
    history.update(reports)
    return reports / found.run / PAGE


def write_run(folder: Path, found: RunFacts, before: RunFacts | None = None, after: RunFacts | None = None) -> None:
    """Write facts and page of a run.

    Args:
        folder: where to write them.
        found: the run.
        before, after: the runs of the same model that its page compares with and links to.
    """
    write_facts(folder, found)
    _write(folder, PAGE, page.render(found, folder, before, after))


def write_facts(folder: Path, found: RunFacts) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, facts.FILE, found.model_dump_json(indent=1) + "\n")


def pages(reports: Path, names: Collection[str]) -> None:
    """Write the pages of these runs and of those before and after them, from the facts beside them.

    Args:
        reports: folder of all pages.
        names: of the runs.
    """
    with files.locked(reports / history.LOCK):
        runs, _ = history.read(reports)
        for model in sorted({run.model for run in runs}):
            own = sorted((run for run in runs if run.model == model), key=lambda run: (run.started, run.run))
            for before, found, after in zip([None, *own[:-1]], own, [*own[1:], None], strict=True):
                if {each.run for each in (before, found, after) if each} & set(names):
                    _write(reports / found.run, PAGE, page.render(found, reports / found.run, before, after))


def _write(folder: Path, name: str, content: str) -> None:
    with files.temporary_folder(folder) as beside:
        (beside / name).write_text(content, encoding="utf-8")
        (beside / name).replace(folder / name)
