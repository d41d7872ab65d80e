"""The history page, `reports/index.html`: all runs in one table, and how model, data and durations changed over them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from components.run_report import facts, history_charts, history_series
from components.run_report.facts import RunFacts
from components.run_report.history_drift import heat_map
from components.run_report.page import OUTCOMES, VERDICTS
from components.run_report.templating import FOLDER, environment
from components.shared import files

PAGE = "index.html"
LOCK = ".lock"
STYLES = ("style.css", "history.css")


def update(reports: Path) -> Path:
    """Rewrite the page from the facts beside each run's page, atomically; runs that end together take turns.

    Returns:
        The page's path.

    Raises:
        OSError: `reports` cannot be written.
    """
    reports.mkdir(parents=True, exist_ok=True)
    with files.locked(reports / LOCK), files.temporary_folder(reports) as beside:
        page = beside / PAGE
        page.write_text(render(*read(reports)), encoding="utf-8")
        files.fsync(page)
        page.replace(reports / PAGE)
        files.fsync(reports)
    return reports / PAGE


def read(reports: Path) -> tuple[list[RunFacts], dict[str, str]]:
    """Read the facts of every run below `reports`, and why those of a folder cannot be used, by the folder's name."""
    found, broken = [], {}
    for path in sorted(reports.glob(f"*/{facts.FILE}")):
        name = path.parent.name
        try:
            run = facts.read(path.parent)
        except (OSError, ValueError) as error:
            broken[name] = str(error)
            continue
        if run.run == name:
            found.append(run)
        else:
            broken[name] = f"they are of the run {run.run}"
    return found, broken


def render(runs: Sequence[RunFacts], broken: Mapping[str, str] | None = None) -> str:
    """Render the page.

    Args:
        runs: in any order.
        broken: folders whose facts cannot be read, and why.

    Returns:
        HTML that needs no other file, and links to the page of each run.
    """
    runs = sorted(runs, key=lambda run: (run.started, run.run))
    by_model = {name: [run for run in runs if run.model == name] for name in sorted({run.model for run in runs})}
    curves = {name: history_series.production(each) for name, each in by_model.items()}
    nodes = history_series.durations(runs)
    return (
        environment()
        .get_template("history.html.j2")
        .render(
            style=Markup("".join((FOLDER / name).read_text(encoding="utf-8") for name in STYLES)),  # noqa: S704 our own files
            runs=runs,
            outcomes=OUTCOMES,
            verdicts=VERDICTS,
            broken=broken or {},
            curves={name: (points, history_charts.production(name, points)) for name, points in curves.items() if points},
            newest={name: history_series.newest(each) for name, each in by_model.items()},
            maps=[found for name, each in by_model.items() if (found := heat_map(name, each))],
            nodes=nodes,
            stacked=history_charts.stacked(runs, nodes) if nodes else None,
            slowest=history_charts.legend(runs, nodes),
            auc=history_series.auc,
            link=link,
        )
    )


def link(run: RunFacts) -> str:
    """Return the address of a run's page, from the history's."""
    return f"./{quote(run.run)}/{PAGE}"
