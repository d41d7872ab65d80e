"""The spans that are written are those that SpanExampleGen reads, of any unit."""

import pandas as pd
import pytest

from components.shared import spans
from components.shared.units import Unit
from components.span_example_gen import reader
from pipeline.adoption import labels, source, written
from pipeline.adoption.columns import Chosen
from pipeline.adoption.periods import Split
from pipeline.adoption.profiles import Profile

LABEL = labels.target(Profile("late", "integer", 60, 0, 2, top=(("0", 30), ("1", 30))))
SIZE = Chosen("size", '"size"::FLOAT', {"kind": "numeric"})
ROWS = pd.DataFrame(
    {
        "sent": pd.date_range("2023-12-30 22:30", periods=60, freq="50min"),
        "size": [float(number) for number in range(60)],
        "late": [0, 1] * 30,
    }
)


@pytest.fixture
def con(tmp_path):
    (tmp_path / "work").mkdir()
    connected = source.connect(tmp_path / "work")
    connected.register("rows", ROWS)
    yield connected
    connected.close()


def select(con, date, unit, names):
    written.select(con, "rows", date=date, label=("late", LABEL.sql), chosen=[SIZE], unit=unit, spans=names)


@pytest.mark.parametrize("unit", Unit)
def test_spans_of_each_unit_are_read_back(con, tmp_path, unit):
    names = sorted({unit.span_of(moment.to_pydatetime()) for moment in ROWS["sent"]})
    select(con, "sent", unit, names)
    assert [(facts.span, facts.there["size"]) for facts in written.facts(con)] == [
        (name, sum(unit.span_of(moment.to_pydatetime()) == name for moment in ROWS["sent"])) for name in names
    ]
    written.write_spans(con, tmp_path / "spans", "parcels")
    found = spans.files(tmp_path / "spans", unit.window(names[-1], len(names)))
    assert list(found) == names
    for span, files in found.items():
        for batch in reader.read(files[0], {"size": "float32", "late": "int64"}, "sent", block=unit.block):
            reader.check_dates(batch, "sent", span)
    reader.end()
    assert (tmp_path / "spans" / names[-1] / "_SUCCESS").exists(), "the newest span is whole"


def test_a_large_span_has_several_files(con, tmp_path, monkeypatch):
    monkeypatch.setattr(written, "FILE_ROWS", 25)
    select(con, "sent", Unit.YEAR, ["2023", "2024"])
    written.write_spans(con, tmp_path / "spans", "parcels")
    found = spans.files(tmp_path / "spans", ["2023", "2024"])
    assert [path.name for path in found["2024"]] == ["parcels_0.parquet", "parcels_1.parquet"]
    assert sum(len(pd.read_parquet(path)) for paths in found.values() for path in paths) == 60


def test_rows_without_a_date_are_parted_evenly_and_counted_as_they_will_be_split(con, tmp_path):
    select(con, "", Unit.MONTH, ["2023-12", "2024-01"])
    counted = written.hash_splits(con, ["size", "late"], LABEL, 0.25)
    assert sum(split.rows for splits in counted.values() for split in splits) == 60
    assert all(20 <= train.rows + held.rows <= 40 for train, held in counted.values())
    written.write_spans(con, tmp_path / "spans", "parcels")
    for span, splits in counted.items():
        [batch] = reader.read(tmp_path / "spans" / span / "parcels_0.parquet", {"size": "float32", "late": "int64"}, "")
        parts = reader.split_by_hash(batch, 0.25)
        assert splits == tuple(Split(part.num_rows, sum(part["late"].to_pylist())) for part in parts.values())
    reader.end()


def test_what_comes_and_goes_of_a_text_is_measured_from_window_to_window():
    values = [{"a": 90, "b": 10}, {"a": 98, "b": 2}, {"a": 95, "c": 5}]
    facts = [written.SpanFacts(str(year), 100, values={"shop": each}) for year, each in enumerate(values, 2020)]
    windows = [("2020", "2021"), ("2021", "2022")]
    assert written.moved(facts, ["shop"], windows) == {"shop": 0.06}, "12 of the 200 rows before are of b, which is gone"
    assert written.moved(facts, ["shop"], windows[:1]) == {}
    assert written.constant(facts, ["shop"], windows) == []
