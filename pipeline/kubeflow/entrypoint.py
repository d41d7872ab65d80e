"""Run one node in its container on Kubeflow Pipelines: fix what KFP's launcher gives, then let TFX run the executor.

Open-source KFP gives inputs without their types, and TFX and Beam know no s3:// or minio://. The launcher, which starts this
process, has downloaded the inputs below /gcs, /s3 or /minio, and will upload from there what the executor writes.
"""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from pathlib import Path

from components.shared import network
from components.shared.errors import CrosswindError, Exit, exit_code

TERMINATION_LOG = Path("/dev/termination-log")  # what it holds is shown beside the failed node
TERMINATION_BYTES = 4096  # Kubernetes' limit


def main(arguments: list[str] | None = None) -> int:
    """Return 0 for success, 2 for a wrong setting, 3 when the data were refused, else 1.

    The launcher always ends with 1; its log has our code. The message goes where Argo looks for a failed node's.
    """
    options, beam = parse(arguments)
    network.spare_this_machine()
    try:
        run(options, beam)
        return Exit.DONE
    except CrosswindError as error:
        message, code = f"{type(error).__name__}: {error}", exit_code(error)
    except Exception as error:
        traceback.print_exc()
        message = f"{options.executor_class_path} failed: {type(error).__name__}: {error}\nThe traceback is in the log."
        code = Exit.FAILED
    print(message, file=sys.stderr)  # noqa: T201
    if TERMINATION_LOG.exists():
        whole = message.encode()[:TERMINATION_BYTES].decode(errors="ignore")  # no half of a character
        TERMINATION_LOG.write_text(whole, encoding="utf-8")
    return code


def parse(arguments: list[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Split the command line into our options and Beam's."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.kubeflow.entrypoint", description=__doc__, allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True, help="class of the executor")
    parser.add_argument("--json_serialized_invocation_args", required=True, help="KFP's ExecutorInput")
    parser.add_argument("--json_serialized_inputs_spec_args", required=True, help="the component's input definitions")
    parser.add_argument(
        "--uri_mode",
        choices=["mounted", "remote"],
        default="mounted",
        help="read and write below the launcher's folders, or in the bucket, for Beam workers elsewhere (default: %(default)s)",
    )
    parser.add_argument("--records", type=Path, help="folder in which to leave what the run's closing report needs")
    parser.add_argument("--hand_over", action="append", default=[], help="output that the report reads; repeatable")
    return parser.parse_known_args(arguments)


def run(options: argparse.Namespace, beam: Iterable[str]) -> None:
    """Run one executor and write output_metadata.json for the launcher. Raises what the executor does."""
    # The environment's name, for tests: in a cluster the launcher's folders stand at the root.
    mounts = os.environ.get("KFP_MOUNTS", "/")
    mounted = options.uri_mode == "mounted"

    from google.protobuf.json_format import MessageToJson  # noqa: PLC0415  # --help does not wait for these
    from tfx.dsl.io import fileio  # noqa: PLC0415
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor  # noqa: PLC0415

    from pipeline.kubeflow import invocation, records  # noqa: PLC0415

    given = invocation.parse(options.json_serialized_invocation_args, invocation.ExecutorInput())
    reported = Path(given.outputs.output_file)
    invocation.restore_types(given, options.json_serialized_inputs_spec_args)
    with records.recorded(options.records, given, options.hand_over) as leave:
        if mounted:
            invocation.map_uris(given, lambda uri: invocation.local_path(uri, mounts))
            for uri in invocation.output_uris(given):
                Path(uri).mkdir(parents=True, exist_ok=True)  # as TFX's own orchestrators do
        with tempfile.TemporaryDirectory() as local:
            # TFX puts an executor's temporary files beside its report, where remote workers must reach them.
            scratch = local if mounted else invocation.scratch(given)
            given.outputs.output_file = f"{scratch}/report/output_metadata.json"
            options.json_serialized_invocation_args = MessageToJson(given)
            start = time.time()
            kubeflow_v2_run_executor.main((options, list(beam)))
            said = fileio.open(given.outputs.output_file, "r").read()
            report = invocation.parse(said, invocation.ExecutorOutput())
            invocation.note_time(report, start, time.time() - start)
            leave(report)
            if mounted:
                invocation.map_uris(report, lambda path: invocation.remote_uri(path, mounts))
            else:
                fileio.rmtree(scratch)
                invocation.remove_markers(invocation.output_uris(given))
    reported.parent.mkdir(parents=True, exist_ok=True)
    reported.write_text(MessageToJson(report), encoding="utf-8")


if __name__ == "__main__":
    code = main()
    from pipeline.local.root import leave

    leave(code)
