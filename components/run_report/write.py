"""Write facts and pages, each file atomically, and read the facts of all runs again. Imports no TensorFlow."""

from collections.abc import Collection
from pathlib import Path

from components.run_report import facts, history, page
from components.run_report.facts import RunFacts
from components.shared import files

LOCK = ".lock"  # of a folder of pages: runs that end together take turns


def write(reports: Path, found: RunFacts) -> Path:
    """Write `<reports>/<run>/`, and renew what its neighbours' pages and the history say of it. Returns the page."""
    write_facts(reports / found.run, found)
    renew(reports, [found.run])
    return reports / found.run / history.PAGE


def write_run(folder: Path, found: RunFacts) -> None:
    """Write facts and page of a run to a folder of its own."""
    write_facts(folder, found)
    _write(folder / history.PAGE, page.render(found, folder))


def write_facts(folder: Path, found: RunFacts) -> None:
    _write(folder / facts.FILE, found.model_dump_json(indent=1) + "\n")


def renew(reports: Path, names: Collection[str] = ()) -> Path:
    """Write the pages of these runs and of those before and after them, and the history, from the facts beside them.

    Args:
        reports: folder of all pages.
        names: of the runs; default: none, the history alone.

    Returns:
        The history's path.
    """
    reports.mkdir(parents=True, exist_ok=True)
    with files.locked(reports / LOCK):
        runs, broken = read(reports)
        for model in sorted({run.model for run in runs}):
            own = [run for run in runs if run.model == model]
            for before, found, after in zip([None, *own[:-1]], own, [*own[1:], None], strict=True):
                if {each.run for each in (before, found, after) if each} & set(names):
                    _write(reports / found.run / history.PAGE, page.render(found, reports / found.run, before, after))
        return _write(reports / history.PAGE, history.render(runs, broken))


def read(reports: Path) -> tuple[list[RunFacts], dict[str, str]]:
    """Read the facts of every run below `reports`, the oldest first, and why those of a folder cannot be used, by its name."""
    found, broken = [], {}
    for path in sorted(reports.glob(f"*/{facts.FILE}")):
        try:
            run = facts.read(path.parent)
        except (OSError, ValueError) as error:
            broken[path.parent.name] = str(error)
            continue
        if run.run == path.parent.name:
            found.append(run)
        else:
            broken[path.parent.name] = f"they are of the run {run.run}"
    return sorted(found, key=lambda run: (run.started, run.run)), broken


def _write(path: Path, content: str) -> Path:
    with files.temporary_folder(path.parent) as beside:
        (beside / path.name).write_text(content, encoding="utf-8")
        files.fsync(beside / path.name)
        (beside / path.name).replace(path)
    return path
