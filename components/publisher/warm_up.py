"""Write requests that a server replays before a version answers users: real rows, where TensorFlow Serving looks for them."""

from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from components.shared import raw_rows

ROWS = 100
BATCHES = (1, 1, 2, 4, 8, 16, 32, 36)  # rows of each request, ROWS in all: a first call of a size is the slow one


def write(path: Path, model_name: str, model: Path, examples: Iterable[str]) -> None:
    """Write a TFRecord file of tensorflow_serving.PredictionLog for the signatures `serving_default` and `raw`.

    The rows are the first of the files of gzipped tf.Examples; the model is the folder of a SavedModel, its name the server's.
    """
    serialized = list(tf.data.TFRecordDataset(list(examples), "GZIP").take(ROWS).as_numpy_iterator())
    # Not loaded: that takes two seconds, and only the names and dtypes are needed.
    graph = saved_model_pb2.SavedModel.FromString((model / "saved_model.pb").read_bytes()).meta_graphs[0]
    columns = {name: tf.as_dtype(tensor.dtype).name for name, tensor in graph.signature_def["raw"].inputs.items()}
    with tf.io.TFRecordWriter(str(path)) as writer:
        for end, rows in zip(accumulate(BATCHES), BATCHES, strict=True):
            if batch := serialized[end - rows : end]:
                writer.write(_request(model_name, "serving_default", {"examples": tf.constant(batch)}))
                writer.write(_request(model_name, "raw", raw_rows.parsed(batch, columns)))


def _request(model_name: str, signature: str, inputs) -> bytes:
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name, request.model_spec.signature_name = model_name, signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return log.SerializeToString()
