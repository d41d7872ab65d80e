"""SpanExampleGen: turns a window of monthly spans into the examples of one run."""

import json
from pathlib import Path

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import channel, component_spec, standard_artifacts

from components.shared import spans
from components.shared.drivers import CacheKeyDriver
from components.span_example_gen import bucket, content, executor


class Driver(CacheKeyDriver):
    """Reads changed files again. The executor records what the driver found in them."""

    def outside(self, exec_properties) -> str:
        folder = exec_properties["spans_folder"]
        newest = executor.asked_for(exec_properties, bucket.listing(folder))
        return json.dumps(content.read(Path(folder), spans.window(newest, exec_properties["window"])))


class SpanExampleGenSpec(component_spec.ComponentSpec):
    INPUTS: dict = {}
    OUTPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}
    PARAMETERS = {
        "spans_folder": component_spec.ExecutionParameter(type=str),
        "span": component_spec.ExecutionParameter(type=str),
        "window": component_spec.ExecutionParameter(type=int),
        "eval_days": component_spec.ExecutionParameter(type=int),
        "complete_after_days": component_spec.ExecutionParameter(type=int),
        "columns": component_spec.ExecutionParameter(type=str),
        "ignore_columns": component_spec.ExecutionParameter(type=str),
        "missing": component_spec.ExecutionParameter(type=str),
        "date": component_spec.ExecutionParameter(type=str),
    }


class SpanExampleGen(base_beam_component.BaseBeamComponent):
    """Reads the window of spans that ends with `span`; splits it by time.

    TFX's FileBasedExampleGen takes one span by a file pattern, splits by hash, and learns the span from a driver that
    Kubeflow's open-source backend ignores. This one takes span and window as parameters and resolves them itself; what
    it writes is the same, so every TFX component reads it.

    Outputs:
        examples: `Examples` with the splits "train" and "eval" (the last `eval_days` of the newest span); gzipped TFRecords
            of tf.Example. Custom properties: `span`, `window` (comma-separated), `rows` and `days` (JSON, numbers by split),
            `repeated` (JSON, span to the number of its `rows` and of those that are `repeated`, equal to an earlier one) and,
            where a driver has run, `content` (JSON, span to what `content.totals` returned for its files).
    """

    SPEC_CLASS = SpanExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        *,
        spans_folder: str,
        span: str | RuntimeParameter,
        window: int,
        eval_days: int,
        complete_after_days: int,
        columns: dict[str, str],
        ignore_columns: list[str],
        missing: list[str],
        date: str,
    ):
        """Args:
        spans_folder: holds a folder for each month, with Parquet or CSV files; a path, or a URI that Beam reads (gs://, s3://).
        span: the newest month of the window, YYYY-MM; `spans.NEWEST`: the newest that is whole.
        window: number of months, the newest included.
        eval_days: last days of `span` that become the eval split.
        complete_after_days: days since the end of the newest month, after which it is whole in any case; see `whole`.
        columns: the columns to read, name to dtype ("string", "float32" or "int64").
        ignore_columns: columns that are not read; any other one is an error.
        missing: what also means a missing value in CSV files, unless it is quoted.
        date: the column of dates to split by; it does not become a feature.
        """
        super().__init__(
            SpanExampleGenSpec(
                spans_folder=spans_folder,
                span=span,
                window=window,
                eval_days=eval_days,
                complete_after_days=complete_after_days,
                columns=json.dumps(columns),
                ignore_columns=json.dumps(ignore_columns),
                missing=json.dumps(missing),
                date=date,
                examples=channel.Channel(type=standard_artifacts.Examples),
            )
        )
