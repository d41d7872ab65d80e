"""The pipelines that are compared: TFX's stock components, and the production DAG, whole or less what TFX has no match for.

All three get the same Beam options. TFX's own, which pack TFX for workers and look for another runner on the internet, would
slow the stock components down further (see `pipeline.beam.settings.arguments`).
"""

from pathlib import Path

# Straight from their modules, as in pipeline/dag.py.
from tfx.components.evaluator.component import Evaluator
from tfx.components.example_gen.csv_example_gen.component import CsvExampleGen
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.pusher.component import Pusher
from tfx.components.schema_gen.component import SchemaGen
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.components.trainer.component import Trainer
from tfx.components.transform.component import Transform
from tfx.dsl.compiler.compiler import Compiler
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import example_gen_pb2, pusher_pb2
from tfx.proto.orchestration.pipeline_pb2 import Pipeline as CompiledPipeline

from tensorflow_data_validation import StatsOptions  # isort: skip  # behind tfx

from components.shared.spans import SPLITS
from pipeline.beam import settings as beam
from pipeline.config import Config
from pipeline.dag import HISTOGRAM_BUCKETS, create_pipeline
from pipeline.model import hyperparameters
from pipeline.model.evaluation import eval_config

# The stock pipeline's nodes, and what ours has in their place. ImportSchemaGen stands for SchemaGen, ProductionModel reads the
# Evaluator's baseline, and the Publisher wants the DriftMonitor's report, which is empty on a first run.
SAME_NODES = (
    "ImportSchemaGen",
    "ProductionModel",
    "SpanExampleGen",
    "StatisticsGen",
    "ExampleValidator",
    "DriftMonitor",
    "Transform",
    "Trainer",
    "Evaluator",
    "Publisher",
)


def stock(config: Config, csv: Path) -> CompiledPipeline:
    """The stock components on CSV files, `<csv>/train/*.csv` and `<csv>/eval/*.csv`, configured as ours are."""
    root, declared = Path(config.run.root).absolute(), config.problem.declaration()
    splits = [example_gen_pb2.Input.Split(name=split, pattern=f"{split}/*.csv") for split in SPLITS]
    examples = CsvExampleGen(str(csv), input_config=example_gen_pb2.Input(splits=splits))
    statistics = StatisticsGen(
        examples.outputs["examples"], stats_options=StatsOptions(num_histogram_buckets=HISTOGRAM_BUCKETS)
    )
    # Without shapes columns are sparse, which preprocessing expects: some values are missing.
    schema = SchemaGen(statistics.outputs["statistics"], infer_feature_shape=False)
    validator = ExampleValidator(statistics.outputs["statistics"], schema.outputs["schema"])
    transform = Transform(
        examples.outputs["examples"],
        schema.outputs["schema"],
        preprocessing_fn="pipeline.model.preprocessing.preprocessing_fn",
        custom_config={"declaration": declared},
    )
    trainer = Trainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        run_fn="pipeline.model.training.run_fn",
        custom_config={
            "declaration": declared,
            "train": config.train.model_dump(),
            "hyperparameters": hyperparameters.read(Path(config.train.hyperparameters)).model_dump(),
            "backups": str(root / "backups"),
        },
    )
    evaluator = Evaluator(
        examples.outputs["examples"],
        model=trainer.outputs["model"],
        eval_config=eval_config(config.evaluate, config.problem.target),
        schema=schema.outputs["schema"],
    )
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(config.serving_folder))
        ),
    )
    return Compiler().compile(
        Pipeline(
            pipeline_name="stock",
            pipeline_root=str(root / "artifacts"),
            components=[examples, statistics, schema, validator, transform, trainer, evaluator, pusher],
            enable_cache=True,
            metadata_connection_config=sqlite_metadata_connection_config(str(root / "metadata.db")),
            beam_pipeline_args=beam.arguments(config.beam),
        )
    )


def whole(config: Config, span: str) -> CompiledPipeline:
    """The production DAG."""
    return Compiler().compile(create_pipeline(config, span))


def same_nodes(config: Config, span: str) -> CompiledPipeline:
    """The production DAG with `SAME_NODES` only: the Publisher waits neither for the Canary nor for the phone's model."""
    compiled = whole(config, span)
    kept = [node for node in compiled.nodes if node.pipeline_node.node_info.id in SAME_NODES]
    for node in (each.pipeline_node for each in kept):
        node.upstream_nodes[:] = [name for name in node.upstream_nodes if name in SAME_NODES]
        node.downstream_nodes[:] = [name for name in node.downstream_nodes if name in SAME_NODES]
        for key, given in list(node.inputs.inputs.items()):
            if any(channel.producer_node_query.id not in SAME_NODES for channel in given.channels):
                del node.inputs.inputs[key]
    del compiled.nodes[:]
    compiled.nodes.extend(kept)
    return compiled
