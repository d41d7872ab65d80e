"""List what was made from what: the run's artifacts, each with a sum of its files."""

import hashlib
from pathlib import Path

from components.run_report.facts import ArtifactFacts
from components.shared.files import files_below, sha256
from components.shared.trace import Trace


def lineage(trace: Trace) -> list[ArtifactFacts]:
    """List every output of the run, in the order of its nodes."""
    users: dict[int, list[str]] = {}
    for execution in trace.executions.values():
        for artifact in {each.id: each for found in execution.inputs.values() for each in found}.values():
            users.setdefault(artifact.id, []).append(execution.node)
    return [
        ArtifactFacts(
            node=execution.node,
            key=key,
            type=artifact.type,
            uri=artifact.uri,
            sha256=tree_sum(Path(artifact.uri)),
            used_by=users.get(artifact.id, []),
        )
        for execution in trace.executions.values()
        for key, artifacts in execution.outputs.items()
        for artifact in artifacts
    ]


def tree_sum(folder: Path) -> str:
    """Return the hex SHA-256 over the names and sums of a folder's files, as `sha256sum` lists them; empty if it has none."""
    lines = [f"{sha256(folder / path)}  {path}\n" for path in files_below(folder)] if folder.is_dir() else []
    return hashlib.sha256("".join(lines).encode()).hexdigest() if lines else ""
