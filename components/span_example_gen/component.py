"""SpanExampleGen: turns a window of spans into the examples of one run."""

import json
from pathlib import Path

from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types.standard_artifacts import Examples

from components.shared.component import BeamComponent, spec
from components.shared.drivers import CacheKeyDriver
from components.shared.units import Unit
from components.span_example_gen import bucket, content, executor


class Driver(CacheKeyDriver):
    """Reads changed files again. The executor records what the driver found in them."""

    def outside(self, exec_properties) -> str:
        folder, unit = exec_properties["spans_folder"], Unit(exec_properties["unit"])
        newest = executor.asked_for(exec_properties, bucket.listing(folder, unit))
        window = unit.window(newest, exec_properties["window"])
        return json.dumps(content.read(Path(folder), window, exec_properties["max_gaps"]))


class SpanExampleGen(BeamComponent):
    """Reads the window of spans that ends with `span`; splits it by time.

    TFX's FileBasedExampleGen takes one span by a file pattern, splits by hash, and learns the span from a driver that
    Kubeflow's open-source backend ignores. This one takes span and window as parameters and resolves them itself; what
    it writes is the same, so every TFX component reads it.

    Args:
        spans_folder: holds a folder for each span, with Parquet or CSV files; a path, or a URI that Beam reads (gs://, s3://).
        unit: of the spans, a `units.Unit`.
        span: the newest span of the window; `spans.NEWEST`: the newest that is whole.
        window: number of spans, the newest included.
        max_gaps: how many of them may be absent.
        eval_spans: newest spans of the window that become the eval split; 0: `eval_days` says what does.
        eval_days: last days of the window that become the eval split.
        eval_share: share of the rows that become the eval split, by a hash of their values, where they have no date.
        complete_after_days: days since the end of the newest span, after which it is whole in any case; see `whole`.
        columns: the columns to read, name to dtype ("string", "float32" or "int64").
        ignore_columns: columns that are not read; any other one is an error.
        missing: what also means a missing value in CSV files, unless it is quoted.
        date: the column of dates to split by; it does not become a feature. Empty: there is none.

    Outputs:
        examples: splits "train" and "eval", the newest rows; gzipped TFRecords of tf.Example. Custom properties: `span`,
            `window` (comma-separated, without what is absent), `rows` and `days` (JSON, numbers by split; no days where there
            is no date), `repeated` (JSON, span to the number of its `rows` and of those that are `repeated`, equal to another)
            and, where a driver has run, `content` (JSON, span to what `content.totals` returned for its files).
    """

    SPEC_CLASS = spec(
        outputs={"examples": Examples},
        parameters={
            "spans_folder": str,
            "unit": str,
            "span": str,
            "window": int,
            "max_gaps": int,
            "eval_spans": int,
            "eval_days": int,
            "eval_share": float,
            "complete_after_days": int,
            "columns": dict,
            "ignore_columns": list,
            "missing": list,
            "date": str,
        },
    )
    EXECUTOR_SPEC = BeamExecutorSpec(executor.Executor)
    DRIVER_CLASS = Driver
