"""The comparators of a schema, which TFDV holds two sets of statistics together by."""

from tensorflow_metadata.proto.v0 import schema_pb2

from components.shared.errors import BadConfig

COMPARATOR = {"data": "drift_comparator", "skew": "skew_comparator"}


def refuse_infinity_norm(schema: schema_pb2.Schema) -> None:
    """Raise BadConfig if a numeric feature has the comparator of categories: TFDV then reports 0 whatever the data."""
    for feature in schema.feature:
        for comparator in COMPARATOR.values():
            if feature.type != schema_pb2.BYTES and getattr(feature, comparator).HasField("infinity_norm"):
                raise BadConfig(
                    f"{feature.name} is numeric and has {comparator}.infinity_norm in the schema. Expected "
                    "jensen_shannon_divergence: TFDV compares only strings by infinity_norm, and reports 0 for numbers."
                )
