"""One Beam node by itself, in a process of its own: `python -m tests.beam.nodes Transform FOLDER --set beam.runner=…`.

It reads what the nodes before it left in the folder, and prints how long it took and how much memory this process needed, as
JSON: workers that are processes of their own are not in it.
"""

import argparse
import json
import shutil
import time
from pathlib import Path

import tfx  # noqa: F401  # before what else is TFX's
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.orchestration.pipeline import Pipeline
from tfx.types.artifact import Artifact

from pipeline import config as configuration
from pipeline.beam import settings as beam
from pipeline.dag import create_pipeline
from pipeline.local import record
from tests.memory import resident_mb

Artifacts = dict[str, Artifact]  # by input or output key
LOCAL = ["--runner=FnApiRunner", "--sdk_container_image=none"]  # Beam's options in this process
THREE_NODES = ("SpanExampleGen", "StatisticsGen", "Transform")


def of(pipeline: Pipeline, node: str) -> BaseBeamComponent:
    [found] = [component for component in pipeline.components if component.id == node]
    return found


def inputs_of_run(node: BaseBeamComponent, root: Path) -> Artifacts:
    """What the node reads, as the last whole run in `root` made it."""
    made = record.last_run(root / "metadata.db")
    inputs = {}
    for key, channel in node.inputs.items():
        artifact = channel.type()
        artifact.set_mlmd_artifact(made[channel.producer_component_id][channel.output_key])
        inputs[key] = artifact
    return inputs


def inputs_in(node: BaseBeamComponent, folder: Path, schema: Path) -> Artifacts:
    """What the node reads, as `run` left it in `folder`; the schema is copied there."""
    inputs = {}
    for key, channel in node.inputs.items():
        if key == "schema":
            artifact = channel.type()
            artifact.uri = str(folder / "schema")
            Path(artifact.uri).mkdir(exist_ok=True)
            shutil.copy(schema, artifact.uri)
        else:
            text = (folder / channel.producer_component_id / f"{channel.output_key}.json").read_text()
            artifact = channel.type.from_json_dict(json.loads(text))
        inputs[key] = artifact
    return inputs


def run(node: BaseBeamComponent, inputs: Artifacts, folder: Path, arguments: list[str]) -> Artifacts:
    """Runs the node's executor; each output is in `<folder>/<node>/<key>`, what TFX says of it in `<key>.json` beside it."""
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=arguments, tmp_dir=str(folder / "tmp" / node.id), unique_id="1"
    )
    outputs = {key: channel.type() for key, channel in node.outputs.items()}
    for key, artifact in outputs.items():
        artifact.uri = str(folder / node.id / key)
        Path(artifact.uri).mkdir(parents=True)
    node.executor_spec.executor_class(context).Do(
        {key: [artifact] for key, artifact in inputs.items()},
        {key: [artifact] for key, artifact in outputs.items()},
        dict(node.exec_properties),
    )
    for artifact in outputs.values():
        Path(f"{artifact.uri}.json").write_text(json.dumps(artifact.to_json_dict()))
    return outputs


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.beam.nodes", description=__doc__.splitlines()[0])
    parser.add_argument("node", choices=THREE_NODES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--span", default="2013-03")
    parser.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="override a setting")
    options = parser.parse_args()
    config = configuration.load(overrides=options.set)
    node = of(create_pipeline(config, options.span), options.node)
    inputs = inputs_in(node, options.folder, Path(config.data.schema_file))
    before = resident_mb("VmRSS")
    start = time.perf_counter()
    run(node, inputs, options.folder, beam.arguments(config.beam))
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "before_mb": before, "peak_mb": resident_mb("VmHWM")}))


if __name__ == "__main__":
    main()
