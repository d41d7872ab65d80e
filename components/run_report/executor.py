"""RunReport's work: read what a run did, and write its page; and the same again, of all runs."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.run_report import facts, write
from components.run_report.collect import Settings, collect, here
from components.shared import trace
from components.shared.nodes import NodeId, Output
from components.shared.trace import Trace

STARTED, SECONDS = "node_started", "node_seconds"  # of an output, where no store knows its node's times
SOURCES = TypeAdapter(dict[str, tuple[str, str]])  # of each input: the node, and its output's key
UNRECORDED = {"git commit": "unknown: the run was ended before it wrote its report"}


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties) -> None:
        """Write the page. See `RunReport`."""
        page = artifact_utils.get_single_instance(output_dict["page"])
        settings = Settings.model_validate_json(exec_properties["settings"])
        if exec_properties["metadata"]:
            store = trace.open_store(Path(exec_properties["metadata"]))
            found = trace.read(store, self._context.pipeline_run_id)
        else:
            found = of_inputs(page.uri, SOURCES.validate_json(exec_properties["sources"]), input_dict)
        seen = collect(found, settings, here(settings.git_commit))
        write.write(Path(exec_properties["reports"]), seen)
        write.write_run(Path(page.uri), seen)


def of_inputs(uri: str, sources: dict[str, tuple[str, str]], input_dict) -> Trace:
    """Make the trace of a run whose nodes all succeeded, from its artifacts alone.

    Args:
        uri: of an output on Kubeflow Pipelines: `<root>/<pipeline>/<run>/<task>/<execution>/<key>`.
        sources: of each input, the node and its output's key.
        input_dict: TFX's artifacts by input.
    """
    executions: dict[str, trace.Execution] = {}
    for name, artifacts in input_dict.items():
        node, key = sources[name]
        outputs = [trace.of_store(artifact.mlmd_artifact) for artifact in artifacts]
        for output in outputs:
            started, seconds = (float(output.properties.get(each, 0.0)) for each in (STARTED, SECONDS))
            executions.setdefault(node, trace.Execution(node, "done", started, seconds)).outputs[key] = outputs
    return Trace(Path(uri).parents[2].name, executions)


def rebuild(metadata: Path, reports: Path, fallback: Settings) -> Iterator[str]:
    """Write a page for every run in the store that has begun a node, the oldest first, and the history. Yields their names.

    Args:
        metadata: SQLite file of ML Metadata.
        reports: folder of all pages.
        fallback: for runs that were ended before they wrote a report, which holds a run's own settings.
    """
    store = trace.open_store(metadata)
    found = [run for name in trace.runs(store) if (run := trace.read(store, name)).executions]
    for run in found:
        settings, environment = fallback, UNRECORDED
        page = run.output(Output.PAGE)
        if page and (Path(page.uri) / facts.FILE).exists():
            recorded = run.executions[NodeId.RUN_REPORT].parameters["settings"]
            settings, environment = Settings.model_validate_json(recorded), facts.read(Path(page.uri)).environment
        write.write_facts(reports / run.run, collect(run, settings, environment))
        yield run.run
    write.renew(reports, [run.run for run in found])
