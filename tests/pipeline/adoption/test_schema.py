"""The schema is as loose as the table needs, and says no domain of what has too many values."""

from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.adoption import schema
from pipeline.adoption.written import SpanFacts


def inferred(*names):
    found = schema_pb2.Schema()
    for name in names:
        found.feature.add(name=name, type=schema_pb2.BYTES, domain=name)
        found.string_domain.add(name=name, value=["a", "b"])
    return found


def facts(span, **values):
    rows = {name: sum(each.values()) for name, each in values.items()}
    return SpanFacts(span, max(rows.values()), there=rows, values=values)


def test_a_domain_has_what_later_spans_show_and_says_how_much_was_new():
    found = inferred("shop")
    spans = [facts("2024-01", shop={"a": 60, "b": 40}), facts("2024-02", shop={"a": 95, "c": 5})]
    [said] = schema.loosen(found, spans, 1, 1000)
    assert said == "shop, more values than in the first spans: 1; 5.0% of rows in 2024-02 have one"
    assert list(found.string_domain[0].value) == ["a", "b", "c"]
    assert round(found.feature[0].distribution_constraints.min_domain_mass, 3) == 0.9


def test_a_text_of_many_values_has_no_domain(monkeypatch):
    monkeypatch.setattr(schema, "MAX_DOMAIN", 2)
    found = inferred("shop", "street")
    spans = [facts("2024-01", shop={"a": 60, "b": 40}, street={"a": 50, "b": 49, "c": 1})]
    assert schema.loosen(found, spans, 1, 1000) == []
    assert [domain.name for domain in found.string_domain] == ["shop"]
    assert (found.feature[0].domain, found.feature[1].domain) == ("shop", "")


def test_what_may_be_missing_and_how_large_numbers_may_be_is_loosened_for_later_spans():
    found = schema_pb2.Schema()
    found.feature.add(name="size", type=schema_pb2.FLOAT)
    first = SpanFacts("2024-01", 1000, there={"size": 1000}, range={"size": (0.0, 10.0)})
    later = SpanFacts("2024-02", 1000, there={"size": 700}, range={"size": (0.0, 40.0)})
    said = schema.loosen(found, [first, later], 1, 1000)
    assert said[-1] == "size may be 0 to 60: first 0 to 10, later 0 to 40"
    assert found.feature[0].presence.min_fraction < 0.7


def test_a_cycle_ends_with_its_period_unless_values_were_beyond_it():
    found = schema_pb2.Schema()
    for name, high in (("minute", 2158.5), ("hour", 24.0), ("bearing", 900.0), ("price", 30.0)):
        found.feature.add(name=name, type=schema_pb2.FLOAT).float_domain.max = high
    schema._within_a_turn(found, {"minute": 1440, "hour": 24, "bearing": 360})
    assert [each.float_domain.max for each in found.feature] == [1440, 24, 900, 30]
