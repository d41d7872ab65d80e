"""The last task of a run on Kubeflow Pipelines: write the page of a run that ended before its report's turn came.

A node that fails, a gate that says no and a quiet span all skip what follows, the DAG's RunReport included.
"""

import shutil
import sys
from pathlib import Path

from components.run_report import facts, write
from components.run_report.collect import Settings, collect, here
from components.run_report.facts import RunFacts
from components.shared.trace import Trace
from pipeline.kubeflow import invocation, records


def main(arguments: list[str]) -> int:
    """Write the page and return 0. Takes KFP's ExecutorInput with the run's id, the settings, and both folders."""
    values = invocation.parse(arguments[0], invocation.ExecutorInput()).inputs.parameter_values
    run, reports, folder = (values[name].string_value for name in ("run", "reports", "records"))
    settings = Settings.model_validate_json(values["settings"].string_value)
    page = Path(reports, run, facts.FILE)
    if not page.exists():
        trace = records.read(Path(folder), run, settings.dag)
        if not trace.executions:
            print(f"No node of run {run} has started, so there is nothing to tell.")  # noqa: T201
            return 0
        found = collect(trace, settings, here(settings.git_commit))
        print(f"{found.headline} {write.write(Path(reports), in_the_bucket(found, trace))}")  # noqa: T201
    shutil.rmtree(Path(folder, run), ignore_errors=True)
    return 0


def in_the_bucket(found: RunFacts, trace: Trace) -> RunFacts:
    """Point the facts at the bucket, where the artifacts stay: the copies that were read go with the records."""
    outputs = [each for execution in trace.executions.values() for found in execution.outputs.values() for each in found]
    origins = {each.uri: str(each.properties[records.ORIGIN]) for each in outputs}
    lineage = [each.model_copy(update={"uri": origins.get(each.uri, each.uri)}) for each in found.lineage]
    return found.model_copy(update={"lineage": lineage})


if __name__ == "__main__":
    code = main(sys.argv[1:])
    from pipeline.local.root import leave

    leave(code)
