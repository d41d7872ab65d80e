"""The DAG: the only place where components are wired together."""

import json
from contextlib import nullcontext
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as mlmd

# Straight from their modules: `tfx.components` turns a failed import into None.
from tfx.components.bulk_inferrer.component import BulkInferrer
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.components.trainer.component import Trainer
from tfx.components.transform.component import Transform
from tfx.components.tuner.component import Tuner
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.experimental.conditionals.conditional import Cond
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import bulk_inferrer_pb2

from tensorflow_data_validation import StatsOptions  # isort: skip  # after tfx

from components.data_gate.component import DataChecks, DataGate
from components.drift_monitor.component import DriftMonitor
from components.drift_monitor.data_drift import DataLimits
from components.drift_monitor.performance import ModelLimits
from components.evaluator.component import Evaluator
from components.production_model.component import ProductionModel
from components.publisher import model_card
from components.publisher.component import Publisher
from components.shared import source_code
from components.shared.data_findings import days_needed
from components.shared.drivers import CacheKeyDriver
from components.span_example_gen.component import SpanExampleGen
from pipeline.beam import settings as beam
from pipeline.config import Config
from pipeline.executors import chosen
from pipeline.model import hyperparameters, preprocessing, training, tuning
from pipeline.model.evaluation import eval_config
from pipeline.parts.canary import add_canary
from pipeline.parts.phone import add_phone
from pipeline.parts.report import add_report
from pipeline.shared import masking

# They run as they are now, when they are imported and their digests are taken.
PREPROCESSING, TRAINING, TUNING = (module.__name__ for module in (preprocessing, training, tuning))
HISTOGRAM_BUCKETS = 50  # with TFDV's 10, a shift of rain by half a standard deviation stays within the first


def create_pipeline(config: Config, span: str | RuntimeParameter, git_commit: str = "unknown", trials: int = 0) -> Pipeline:
    """Wire the whole pipeline for one span.

    Args:
        config: the configuration.
        span: the newest span of the window; where the orchestrator has parameters, one.
        git_commit: recorded in the manifest.
        trials: adds a Tuner that tries as many hyperparameters; `pipeline.tune` runs the DAG up to it.
    """
    root, problem = config.root, config.problem
    declaration = problem.declaration()

    # Reads the window's spans as TFRecords of tf.Example, split by time: the newest rows are the evaluation split.
    examples = SpanExampleGen(
        spans_folder=config.spans_folder,
        unit=str(config.data.unit),
        span=span,
        window=config.data.window,
        max_gaps=config.data.max_gaps,
        eval_spans=config.data.eval_spans,
        eval_days=config.data.eval_days,
        eval_share=config.data.eval_share,
        complete_after_days=config.data.complete_after_days,
        columns=problem.columns,
        ignore_columns=config.data.ignore_columns,
        missing=config.data.missing,
        date=problem.date,
    )
    # Computes statistics of each split, for the checks, the drift and the pages.
    statistics = chosen(StatisticsGen, config.components)(
        examples.outputs["examples"],
        stats_options=StatsOptions(
            num_histogram_buckets=HISTOGRAM_BUCKETS,
            experimental_use_sketch_based_topk_uniques=True,  # fewer stages; exact up to 1,024 values of a feature
        ),
    )
    # Brings in the schema that a person has reviewed.
    schema = ImportSchemaGen(config.data.schema_file)
    # Holds the statistics against the schema.
    validator = ExampleValidator(statistics.outputs["statistics"], schema.outputs["schema"])
    # Writes down all that is wrong with the data: anomalies, labels, repeated rows, too few of them.
    data_checks = DataChecks(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        statistics=statistics.outputs["statistics"],
        anomalies=validator.outputs["anomalies"],
        target=problem.target,
        label_limits={name: getattr(config.gate, name) for name in problem.task.label_limits},
        **config.gate.model_dump(
            include={"min_rows", "may_be_absent", "max_repeated_share", "max_categories", "may_be_constant"}
        )
        | {"min_eval_days": days_needed(config.gate.min_eval_days, config.data.days_evaluated)},
    )
    # Stops the run where a finding is grave enough.
    gate = DataGate(
        examples=examples.outputs["examples"],
        report=data_checks.outputs["report"],
        stop_on=config.gate.stop_on,
        spans_folder=config.spans_folder,
    )
    # Takes the model that users get now: the baseline of all that follows.
    production = ProductionModel(folder=str(config.serving_folder), public_key=_file(config.publish.public_key))
    # Says how far the newest span is from what that model was trained on and measured at.
    drift = config.drift
    monitor = DriftMonitor(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        model=production.outputs["model"],
        target=problem.target,
        data_limits=DataLimits(**drift.limits(*DataLimits.__dataclass_fields__)),
        model_limits=ModelLimits(**drift.limits(*ModelLimits.__dataclass_fields__)),
        requests=_file(drift.requests) or "",
        retrain_on=["always"] if drift.policy == "retrain_always" else list(drift.retrain_on),
        block_push=drift.block_push,
    )
    monitor.add_upstream_node(gate)
    wants_a_model = monitor.outputs["report"].future()[0].custom_property("retrain") == 1
    # Under retrain_on_drift the rest runs only if the monitor wants a model; `pipeline.tune` runs up to the Tuner anyhow.
    with Cond(wants_a_model) if drift.policy == "retrain_on_drift" and not trials else nullcontext():
        # Prepares the features, and keeps how as a graph: training, server and phone use the same.
        transform = chosen(Transform, config.components)(
            examples.outputs["examples"],
            schema.outputs["schema"],
            preprocessing_fn=f"{PREPROCESSING}.preprocessing_fn",
            custom_config={"declaration": declaration, "source": source_code.at_start(PREPROCESSING)},
        )
        transform.add_upstream_node(gate)
        settings = {"declaration": declaration, "train": config.train.model_dump(), "source": source_code.at_start(TRAINING)}
        network = hyperparameters.read(Path(config.train.hyperparameters))
        # Searches hyperparameters; only `pipeline.tune` adds it to a run.
        tuner = Tuner(
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            tuner_fn=f"{TUNING}.tuner_fn",
            custom_config=settings | {"trials": trials, "search": source_code.at_start(TUNING)},
        )
        # Trains the network and exports it with its preprocessing.
        trainer = Trainer(
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            run_fn=f"{TRAINING}.run_fn",
            base_model=production.outputs["model"] if config.train.warm_start else None,
            custom_config=settings | {"hyperparameters": network.model_dump(), "backups": str(root / "backups")},
        )
        # Measures the candidate beside production on the same rows, and blesses it if it is good enough.
        evaluator = chosen(Evaluator, config.components)(
            examples.outputs["examples"],
            model=trainer.outputs["model"],
            baseline_model=production.outputs["model"],
            eval_config=eval_config(config.evaluate, problem.target),
            schema=schema.outputs["schema"],
        )
        nodes: list[BaseNode] = [examples, statistics, schema, validator, data_checks, gate, production, monitor]
        nodes += [transform, *([tuner] if trials else []), trainer, evaluator]
        # Starts a server on the candidate, and asks it what users would.
        served = add_canary(nodes, config)
        to_publish = {
            "drift": monitor.outputs["report"],
            "examples": examples.outputs["examples"],
            "statistics": statistics.outputs["statistics"],
            "model_name": config.problem.model,
            "keep": config.publish.keep,
            "span": span,
            "git_commit": git_commit,
            "signing_key": _file(config.publish.signing_key),
            "public_key": _file(config.publish.public_key),
            "configuration": json.dumps(masking.settings(config)),
        }
        # Publishes what all gates have blessed, whole or not at all.
        publisher = Publisher(
            model=trainer.outputs["model"],
            model_blessing=evaluator.outputs["blessing"],
            evaluation=evaluator.outputs["evaluation"],
            findings=data_checks.outputs["report"],
            infra_blessing=served,
            folder=str(config.serving_folder),
            description=model_card.read(Path(config.publish.card)),
            **to_publish,
        )
        nodes.append(publisher)
        # Makes a file for phones, holds its answers against the server's, and publishes it under the same number.
        add_phone(nodes, config, to_publish)
        # Scores the evaluation split with each blessed model, where batch.bulk_inferrer wants it.
        bulk_inferrer = BulkInferrer(
            examples=examples.outputs["examples"],
            model=trainer.outputs["model"],
            model_blessing=evaluator.outputs["blessing"],
            data_spec=bulk_inferrer_pb2.DataSpec(example_splits=["eval"]),
            model_spec=bulk_inferrer_pb2.ModelSpec(model_signature_name=["serving_default"]),
        )
        nodes += [bulk_inferrer] if config.batch.bulk_inferrer else []
    for node in nodes:
        if not issubclass(node.driver_class, CacheKeyDriver):  # TFX's own nodes: here too what they read counts by content
            node.driver_class = CacheKeyDriver
    # Writes the page of the run, whatever became of the others.
    add_report(nodes, config, git_commit, local=isinstance(span, str))
    # As TFX's `sqlite_metadata_connection_config`, which would make the folder: compiling a DAG writes nothing.
    sqlite = mlmd.SqliteMetadataSourceConfig(
        filename_uri=str(root / "metadata.db"), connection_mode=mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    )
    return Pipeline(
        pipeline_name="crosswind",
        pipeline_root=str(root / "artifacts"),
        components=nodes,
        enable_cache=True,
        metadata_connection_config=mlmd.ConnectionConfig(sqlite=sqlite),
        beam_pipeline_args=beam.arguments(config.beam),
    )


def _file(path: str) -> str | None:
    """Return an absolute path, whatever folder a node runs in; None if there is none."""
    return str(Path(path).absolute()) if path else None
