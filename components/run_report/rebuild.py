"""Rewrite the pages of all runs, from ML Metadata and the artifacts alone."""

from collections.abc import Iterator
from pathlib import Path

from components.run_report import facts, write
from components.run_report.collect import Settings, collect
from components.shared import trace
from components.shared.nodes import NodeId, Output
from components.shared.trace import Trace

UNRECORDED = {"git commit": "unknown: the run was ended before it wrote its report"}


def rebuild(metadata: Path, reports: Path, fallback: Settings) -> Iterator[str]:
    """Write a page for every run in the store that has begun a node, the oldest first. Yields their names.

    Args:
        metadata: SQLite file of ML Metadata.
        reports: folder of all pages.
        fallback: for runs that were ended before they wrote a report, which holds a run's own settings.
    """
    store = trace.open_store(metadata)
    names: list[str] = []
    for run in trace.runs(store):
        found = trace.read(store, run)
        if found.executions:
            settings, environment = _recorded(found) or (fallback, UNRECORDED)
            write.write_facts(reports / run, collect(found, settings, environment))
            names.append(run)
            yield run
    write.pages(reports, names)


def _recorded(found: Trace) -> tuple[Settings, dict[str, str]] | None:
    """Read what the run's own report knew; None if it was not written."""
    page = found.output(Output.PAGE)
    if not page or not (Path(page.uri) / facts.FILE).exists():
        return None
    settings = Settings.model_validate_json(str(found.executions[NodeId.RUN_REPORT].parameters["settings"]))
    return settings, facts.read(Path(page.uri)).environment
