"""tf.Transform's graph of a problem, made from raw columns in this process."""

import functools
from pathlib import Path

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils

from pipeline.model.preprocessing import preprocessing_fn
from pipeline.problem import Problem


def write(problem: Problem, rows: dict[str, np.ndarray], folder: Path) -> None:
    """Write the graph to a folder, for `tft.TFTransformOutput`; `rows` are as clients send them, with the label."""
    spec = {name: tf.io.VarLenFeature(tf.as_dtype(dtype)) for name, dtype in problem.columns.items()}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    prepare = functools.partial(preprocessing_fn, custom_config={"declaration": problem.declaration()})
    given = [{name: [] if each in (b"",) or each != each else [each] for name, each in row.items()} for row in by_row(rows)]  # noqa: PLR0124
    with beam.Pipeline(argv=["--runner=FnApiRunner"]) as pipeline, tft_beam.Context(temp_dir=str(folder / "tmp")):
        transform = (pipeline | beam.Create(given), metadata) | tft_beam.AnalyzeDataset(prepare)
        transform | tft_beam.WriteTransformFn(str(folder))
    metadata_io.write_metadata(metadata, f"{folder}/{tft.TFTransformOutput.RAW_METADATA_DIR}")


def by_row(columns: dict[str, np.ndarray]) -> list[dict]:
    """Turn columns into an object a row."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
