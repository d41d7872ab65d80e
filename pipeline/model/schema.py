"""Compare the reviewed schema with the declared features, so that the two cannot drift apart. Imports no TensorFlow."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.drift_monitor.comparators import refuse_infinity_norm
from components.shared.errors import BadConfig
from pipeline.problem import Problem

TYPES = {"string": schema_pb2.BYTES, "float32": schema_pb2.FLOAT, "int64": schema_pb2.INT}
DOMAINS = {
    schema_pb2.BYTES: ("domain", "string_domain"),
    schema_pb2.FLOAT: ("float_domain",),
    schema_pb2.INT: ("int_domain", "bool_domain"),
}
UNUSED = (schema_pb2.PLANNED, schema_pb2.ALPHA, schema_pb2.DEPRECATED, schema_pb2.DISABLED, schema_pb2.DEBUG_ONLY)
DENSE = "by a shape TFX makes a dense tensor, which cannot say that a value is missing (TFDV: infer_feature_shape=False)"


def read(path: Path) -> schema_pb2.Schema:
    """Read a schema from its text. Raises BadConfig."""
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise BadConfig(
            f"{path} is not a readable schema: {error}. Expected a tensorflow-metadata Schema as text, as TFDV's infer_schema "
            "makes it and a person has reviewed it; data/README.md shows how."
        ) from error


def check_reviewed(path: Path, problem: Problem) -> None:
    """Compare a schema with the declared columns.

    Raises:
        BadConfig: a column is missing, not declared, twice there, of another type or presence than declared, has a domain that
            does not fit its type, or holds more than a value; or a comparator finds nothing. It names all of them.
    """
    schema = read(path)
    entries = {feature.name: feature for feature in schema.feature}
    declared, file = problem.columns, f"{problem.folder}/problem.toml"
    wrong = [f"{name} is declared but has no entry" for name in declared if name not in entries]
    wrong += [f"{name} has an entry but is not declared" for name in entries if name not in declared]
    twice = [name for name, count in Counter(feature.name for feature in schema.feature).items() if count > 1]
    wrong += [f"{name} has two entries" for name in twice]
    for name in declared:
        if name in entries:
            optional = name in problem.declared and problem.declared[name].optional
            wrong += [f"{name} {fault}" for fault in _faults(entries[name], declared[name], optional, schema)]
    if problem.classes and (entry := entries.get(problem.label)):
        wrong += _other_classes(entry, problem.classes, schema)
    if representations := [*schema.tensor_representation_group]:
        wrong.append(f"tensor_representation_group {', '.join(sorted(representations))} is not expected")
    if representations or any(feature.HasField("shape") for feature in schema.feature):
        wrong.append(DENSE)
    if wrong:
        raise BadConfig(f"{path} does not fit {file}: {'; '.join(wrong)}. Change the schema, or what the problem declares.")
    try:
        refuse_infinity_norm(schema)
    except BadConfig as error:
        raise BadConfig(f"{path}: {error}") from error


def _other_classes(entry: schema_pb2.Feature, classes: list[str], schema: schema_pb2.Schema) -> Iterator[str]:
    """Say where the label's domain does not hold just the classes: a label of another one could not be learned."""
    domains = {domain.name: domain for domain in schema.string_domain}
    values = domains.get(entry.domain, entry.string_domain).value
    if set(values) != set(classes) or entry.distribution_constraints.min_domain_mass < 1:
        yield (
            f"{entry.name} has the domain {', '.join(values) or 'of any text'} for a share of "
            f"{entry.distribution_constraints.min_domain_mass:g} of the rows: expected the classes {', '.join(classes)} for all"
        )


def _faults(entry: schema_pb2.Feature, dtype: str, optional: bool, schema: schema_pb2.Schema) -> Iterator[str]:
    """Say what is wrong with the entry of a declared column, after its name."""
    name_of, expected = schema_pb2.FeatureType.Name, TYPES[dtype]
    if entry.type != expected:
        yield f"is {name_of(entry.type)}, declared as {name_of(expected)}"
        return  # its domain is of the other type
    if entry.HasField("shape"):
        yield "has a shape, expected value_count { min: 1 max: 1 } in its place"
    if entry.HasField("value_counts") or (entry.HasField("value_count") and entry.value_count.max != 1):
        yield "may have several values by its value_count, expected value_count { min: 1 max: 1 }"
    domain = entry.WhichOneof("domain_info")
    if domain and domain not in DOMAINS[expected]:
        fitting = " or ".join(DOMAINS[expected])
        yield f"has {domain}, which does not fit {name_of(expected)}: expected {fitting}, or none"
    elif domain == "domain" and entry.domain not in {each.name for each in schema.string_domain}:
        yield f'has the domain "{entry.domain}", which the schema lacks: expected a string_domain of that name'
    elif domain in ("int_domain", "float_domain") and (ends := getattr(entry, domain)).HasField("max") and ends.min > ends.max:
        yield f"has a {domain} from {ends.min:g} to {ends.max:g}, in which no value can be"
    if not optional and (not entry.HasField("presence") or entry.presence.min_fraction < 1):
        yield (
            f"may be missing by its presence (min_fraction {entry.presence.min_fraction:g}), and is not declared optional: "
            "expected presence { min_fraction: 1 min_count: 1 }, or optional = true in the problem"
        )
    if entry.lifecycle_stage in UNUSED:
        yield f"is {schema_pb2.LifecycleStage.Name(entry.lifecycle_stage)}, which TFX leaves out: expected no lifecycle_stage"
