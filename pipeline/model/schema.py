"""Compare the reviewed schema with the declared features, so that the two cannot drift apart."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.drift_monitor.data_drift import refuse_infinity_norm
from components.shared.errors import BadConfig
from pipeline.problem import Problem

TYPES = {"string": schema_pb2.BYTES, "float32": schema_pb2.FLOAT, "int64": schema_pb2.INT}


def read(path: Path) -> schema_pb2.Schema:
    """Read a schema from its text. Raises BadConfig."""
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise BadConfig(f"{path} is not a readable schema: {error}. Expected a tensorflow-metadata Schema as text.") from error


def check_reviewed(path: Path, problem: Problem) -> None:
    """Compare a schema with the declared columns.

    Raises:
        BadConfig: a column is missing, not declared, of another type, or has a shape; or a comparator finds nothing.
    """
    schema = read(path)
    name_of = schema_pb2.FeatureType.Name
    stated = {feature.name: name_of(feature.type) for feature in schema.feature}
    declared = {name: name_of(TYPES[dtype]) for name, dtype in problem.columns.items()}
    wrong = [f"{name} is declared but has no entry" for name in declared.keys() - stated.keys()]
    wrong += [f"{name} has an entry but is not declared" for name in stated.keys() - declared.keys()]
    both = declared.keys() & stated.keys()
    wrong += [f"{name} is {stated[name]}, declared as {declared[name]}" for name in both if declared[name] != stated[name]]
    if wrong:
        raise BadConfig(
            f"{path} does not fit {problem.folder}/problem.toml: {'; '.join(sorted(wrong))}. Expected the same columns in both."
        )
    # TFX hands a column with a shape to preprocessing as a dense tensor, which has no way to say that a value is missing.
    if shaped := [feature.name for feature in schema.feature if feature.HasField("shape")]:
        raise BadConfig(
            f"{path} states a shape for {', '.join(shaped)}; expected value_count {{ min: 1 max: 1 }} in its place. "
            "TFDV's infer_schema writes that with infer_feature_shape=False."
        )
    refuse_infinity_norm(schema)
