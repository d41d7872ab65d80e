"""The page of a run, which RunReport writes, and what it needs to know beside the run's artifacts."""

from collections.abc import Iterable
from pathlib import Path

from tfx.dsl.components.base.base_node import BaseNode

from components.run_report.collect import Settings
from components.run_report.component import RunReport
from components.shared.nodes import REPORTED
from pipeline.config import Config, overrides
from pipeline.parts import outputs
from pipeline.shared import masking

BUILD = "build.py"  # of a problem's folder: it makes the rows


def add_report(nodes: list[BaseNode], config: Config, git_commit: str, *, local: bool) -> None:
    """Append the node that writes the page, whatever became of those before it."""
    made = outputs(nodes)
    report = RunReport(
        inputs={name: output.of(made) for name, output in REPORTED.items() if output.node in made},
        settings=report_settings(config, nodes, git_commit, local=local),
        reports=str(config.root / "reports"),
        metadata=str(config.root / "metadata.db") if local else "",
    )
    nodes.append(report)


def report_settings(config: Config, nodes: Iterable[BaseNode], git_commit: str, *, local: bool = True) -> Settings:
    """Make the report's settings from the configuration, the nodes, the code's commit, and whether it runs here."""
    return Settings(
        dag={node.id: _waits_for(node) for node in nodes},
        units={feature.name: feature.unit for feature in config.problem.features if feature.unit},
        target=config.problem.target,
        model=config.problem.model,
        problem=config.named,
        built=Path(config.problem.folder, BUILD).is_file(),
        git_commit=git_commit,
        configuration=masking.settings(config),
        overrides=overrides(config),
        logs=str(config.root / "logs") if local else "",
    )


def _waits_for(node: BaseNode) -> list[str]:
    """List the nodes whose outputs a node takes, or that it was told to wait for."""
    makers = {found.producer_component_id for found in node.inputs.values()}
    return sorted(makers | {each.id for each in node.upstream_nodes})
