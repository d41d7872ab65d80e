"""The real executor on the real Beam runner: what it writes, and what it says of files that it cannot use."""

import datetime
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import tensorflow as tf

from components.shared import record_batches, spans
from components.shared.errors import BadData, SpanNotFound
from components.shared.units import Unit
from components.span_example_gen import content
from components.span_example_gen.component import Driver
from tests.components.span_example_gen.ingested import ingest, parse
from tests.neutral import COLUMNS, DATE, LABEL, MONTHS, rows, write_spans


def test_the_days_of_the_evaluation_rows_are_beside_them_in_their_order(tmp_path):
    made = rows(MONTHS[:2]).sample(frac=1, random_state=3)  # unsorted, as files may be
    write_spans(made, tmp_path / "spans")
    examples = ingest(tmp_path / "spans", tmp_path)
    parts = sorted(path.name for path in (Path(examples.uri) / "Split-eval").iterdir())
    days = np.concatenate([np.load(spans.days_file(examples.uri, part)) for part in parts])
    held_out = made[made[DATE] >= "2024-02-20"]
    assert sorted(days.astype("datetime64[D]")) == sorted(held_out[DATE].to_numpy().astype("datetime64[D]"))
    assert parse(examples, "eval").weekday.groupby(days).nunique().eq(1).all()


def in_order(found: pd.DataFrame) -> pd.DataFrame:
    return found.sort_values(list(COLUMNS)).reset_index(drop=True)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_every_row_arrives_once_with_its_values_in_the_split_of_its_day(tmp_path, suffix):
    made = rows(MONTHS[:2])
    write_spans(made, tmp_path / "spans")
    if suffix == "csv":
        for path in (tmp_path / "spans").rglob("*.parquet"):
            pd.read_parquet(path).to_csv(path.with_suffix(".csv"), index=False)
            path.unlink()
    examples = ingest(tmp_path / "spans", tmp_path)
    is_eval = made[DATE] >= "2024-02-20"
    for split, written in (("train", made[~is_eval]), ("eval", made[is_eval])):
        expected = written[list(COLUMNS)].astype({name: "float64" for name, dtype in COLUMNS.items() if dtype != "string"})
        found = in_order(parse(examples, split)).astype(expected.dtypes.to_dict())
        pd.testing.assert_frame_equal(found, in_order(expected), rtol=1e-6, check_dtype=False)
    assert json.loads(examples.get_string_custom_property("rows")) == {"train": (~is_eval).sum(), "eval": is_eval.sum()}
    assert examples.get_string_custom_property("span") == "2024-02"
    assert examples.get_string_custom_property("window") == "2024-01,2024-02"


GOOD = pd.DataFrame(
    {DATE: ["2024-02-01", "2024-02-25"]}
    | {name: ["UA", "AA"] if dtype == "string" else [1, 0] for name, dtype in COLUMNS.items()}
)
TEXT = GOOD.to_csv(index=False)


def corrupt_csv(name: str) -> bytes:
    """One broken CSV file a name."""
    return {
        "empty": b"",
        "only a header": TEXT.splitlines()[0].encode() + b"\n",
        "ragged": (TEXT + "2024-02-03,UA\n").encode(),
        "missing column": GOOD.drop(columns="distance").to_csv(index=False).encode(),
        "text in a number": GOOD.astype({"distance": object}).replace({"distance": {1: "far"}}).to_csv(index=False).encode(),
        "Latin-1": TEXT.replace("UA", "Å").encode("latin-1"),
        "no date": GOOD.assign(day=["2024-02-01", "soon"]).to_csv(index=False).encode(),
        "another month": GOOD.assign(day=["2024-02-01", "2024-03-01"]).to_csv(index=False).encode(),
        "half a label": GOOD.assign(returned=[0.5, 1]).to_csv(index=False).encode(),
        "unknown column": GOOD.assign(mood=1).to_csv(index=False).encode(),
        "pandas' index": GOOD.to_csv().encode(),
        "repeated column": TEXT.replace("returned\n", "returned,price\n")
        .replace("1\n", "1,1\n")
        .replace("0\n", "0,0\n")
        .encode(),
    }[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "Empty CSV file"),
        ("only a header", "2024-02: its files have no rows; expected at least one in each month"),
        ("ragged", r"line 4: 2 cells; expected \d+, as in the header"),
        ("missing column", "column distance is missing. Expected"),
        ("text in a number", "line 2: column distance is 'far'; expected a number such as 1.5"),
        ("Latin-1", r"line 2: column shop is b'\\xc5', which is not UTF-8"),
        ("no date", "line 3: column day is 'soon'; expected a date such as 2013-02-28"),
        ("another month", "1 rows have a day outside their span 2024-02, such as 2024-03-01"),
        ("half a label", "line 2: column returned is '0.5'; expected an integer such as 1"),
        ("unknown column", r"column mood is not declared\. Declare it.*or list it under data\.ignore_columns"),
        ("pandas' index", r'column "" \(without a name\) is not declared'),
        ("repeated column", "column price stands more than once"),
    ],
)
def test_a_csv_that_cannot_be_used_is_named_with_the_reason(tmp_path, name, message):
    path = tmp_path / "spans" / "2024-02" / "parcels.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(corrupt_csv(name))
    with pytest.raises(BadData, match=message) as error:
        ingest(tmp_path / "spans", tmp_path, window=1)
    assert str(path if name != "only a header" else path.parent) in str(error.value)


def test_good_csv_is_used(tmp_path):
    """The base of the broken ones really is good."""
    (tmp_path / "spans" / "2024-02").mkdir(parents=True)
    (tmp_path / "spans" / "2024-02" / "parcels.csv").write_text(TEXT)
    assert parse(ingest(tmp_path / "spans", tmp_path, window=1), "eval")[LABEL].tolist() == [0]


def test_a_column_that_is_listed_is_left_unread(tmp_path):
    (tmp_path / "spans" / "2024-02").mkdir(parents=True)
    GOOD.assign(mood=1).to_parquet(tmp_path / "spans" / "2024-02" / "parcels.parquet", index=False)
    with pytest.raises(BadData, match="column mood is not declared"):
        ingest(tmp_path / "spans", tmp_path / "refused", window=1)
    assert len(parse(ingest(tmp_path / "spans", tmp_path, window=1, ignore=["mood"]), "train")) == 1


def test_rows_that_repeat_are_counted_over_all_files_of_a_span(months, tmp_path):
    made = pd.read_parquet(months / "2024-02" / "parcels.parquet")
    for month in MONTHS[:2]:
        (tmp_path / "spans" / month).mkdir(parents=True)
    pd.read_parquet(months / "2024-01").to_parquet(tmp_path / "spans" / "2024-01" / "a.parquet", index=False)
    made.to_parquet(tmp_path / "spans" / "2024-02" / "a.parquet", index=False)
    made.head(300).to_parquet(tmp_path / "spans" / "2024-02" / "b.parquet", index=False)
    counts = json.loads(ingest(tmp_path / "spans", tmp_path).get_string_custom_property("repeated"))
    assert counts == {"2024-01": {"repeated": 0, "rows": 1000}, "2024-02": {"repeated": 300, "rows": 1300}}


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.999])
def test_a_truncated_parquet_file_is_named(months, tmp_path, keep):
    whole = (months / "2024-02" / "parcels.parquet").read_bytes()
    path = tmp_path / "spans" / "2024-02" / "parcels.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(BadData, match=r"cannot be read.*Expected a whole") as error:
        ingest(tmp_path / "spans", tmp_path, window=1)
    assert str(path) in str(error.value)


def test_a_parquet_column_of_the_wrong_type_is_named(tmp_path):
    path = tmp_path / "spans" / "2024-02" / "parcels.parquet"
    path.parent.mkdir(parents=True)
    GOOD.assign(day=pd.to_datetime(GOOD[DATE]), price=["warm", "cold"]).to_parquet(path)
    with pytest.raises(BadData, match="column price is string; expected float"):
        ingest(tmp_path / "spans", tmp_path, window=1)


def test_all_broken_files_are_named_at_once(tmp_path):
    for name in ("a.csv", "b.csv"):
        path = tmp_path / "spans" / "2024-02" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    with pytest.raises(BadData, match=r"(?s)a\.csv.*b\.csv"):
        ingest(tmp_path / "spans", tmp_path, window=1)


def test_a_window_without_evaluation_rows_is_refused(tmp_path):
    (tmp_path / "spans" / "2024-02").mkdir(parents=True)
    GOOD.assign(day="2024-02-01").to_csv(tmp_path / "spans" / "2024-02" / "parcels.csv", index=False)
    message = "No rows in the eval split: expected some of 2024-02-20 to 2024-02-29, found rows of 2024-02-01 to 2024-02-01"
    with pytest.raises(BadData, match=message):
        ingest(tmp_path / "spans", tmp_path, window=1)


def test_what_was_read_is_recorded_unless_it_changed_since_the_driver_saw_it(months, tmp_path):
    parameters = {"unit": "month", "span": "2024-02", "window": 2, "max_gaps": 0}
    outside = Driver(None).outside({"spans_folder": str(months), **parameters})
    recorded = ingest(months, tmp_path, outside=outside).get_string_custom_property(content.PROPERTY)
    assert json.loads(recorded) == content.totals(json.loads(outside))
    spans = Path(shutil.copytree(months, tmp_path / "spans"))
    shutil.copy(spans / "2024-02" / "parcels.parquet", spans / "2024-02" / "added.parquet")
    with pytest.raises(BadData, match=r"2024-02: added\.parquet changed while the run read it"):
        ingest(spans, tmp_path, outside=outside)


def test_the_days_of_each_split_are_counted(tmp_path):
    made = rows(MONTHS[:2])
    write_spans(made[made[DATE] < "2024-02-23"], tmp_path / "spans")
    days = json.loads(ingest(tmp_path / "spans", tmp_path).get_string_custom_property("days"))
    assert days == {"train": 31 + 19, "eval": 3}


def test_part_files_without_rows_are_read_as_none(months, tmp_path):
    """Spark writes one for each empty partition, without a row group; not one of a month must have rows."""
    month = tmp_path / "spans" / "2024-02"
    month.mkdir(parents=True)
    made = pd.read_parquet(months / "2024-02" / "parcels.parquet")
    schema = pa.Table.from_pandas(made, preserve_index=False).schema
    pa.parquet.ParquetWriter(month / "part-0.parquet", schema).close()
    made.head(0).to_csv(month / "part-1.csv", index=False)
    with pytest.raises(BadData, match="2024-02: its files have no rows; expected at least one in each month"):
        ingest(tmp_path / "spans", tmp_path / "none", window=1)
    made.to_parquet(month / "part-2.parquet", index=False)
    examples = ingest(tmp_path / "spans", tmp_path / "some", window=1)
    assert sum(json.loads(examples.get_string_custom_property("rows")).values()) == len(made)


def test_many_part_files_become_few_and_keep_their_order(months, tmp_path):
    """What follows takes its time by the file."""
    made = pd.read_parquet(months / "2024-02" / "parcels.parquet")
    for name, parts in (("one", 1), ("many", 100)):
        month = tmp_path / name / "2024-02"
        month.mkdir(parents=True)
        for number, part in enumerate(np.array_split(np.arange(len(made)), parts)):
            made.iloc[part].to_parquet(month / f"part-{number:05}.parquet", index=False)
    one, many = (ingest(tmp_path / name, tmp_path / f"{name} out", window=1) for name in ("one", "many"))
    for split in ("train", "eval"):
        assert len(tf.io.gfile.glob(f"{many.uri}/Split-{split}/*")) <= 8
        pd.testing.assert_frame_equal(parse(many, split), parse(one, split))
    assert many.get_string_custom_property("repeated") == one.get_string_custom_property("repeated")


def test_spans_and_a_root_whose_names_look_like_patterns(months, tmp_path):
    folder = Path(shutil.copytree(months, tmp_path / "spans [b]*" / "of #%é"))
    examples = ingest(folder, tmp_path / "root [a] ?", window=1)
    assert sum(json.loads(examples.get_string_custom_property("rows")).values()) == 1000
    assert len(spans.shards(examples.uri, "2024-02")) == 2
    assert len(record_batches.files(examples, "train")) == 1


def test_the_newest_days_of_a_window_with_a_gap_are_evaluated(tmp_path):
    window = ["2024-03-01", "2024-03-02", "2024-03-04"]
    write_spans(rows(window, 60), tmp_path / "spans", Unit.DAY)
    examples = ingest(tmp_path / "spans", tmp_path, "2024-03-04", window=4, eval_days=2, unit="day", max_gaps=1)
    assert examples.get_string_custom_property("window") == ",".join(window)
    assert json.loads(examples.get_string_custom_property("rows")) == {"train": 120, "eval": 60}
    assert json.loads(examples.get_string_custom_property("days")) == {"train": 2, "eval": 1}
    assert json.loads(examples.get_string_custom_property("repeated")) == {day: {"repeated": 0, "rows": 60} for day in window}
    with pytest.raises(SpanNotFound, match="Span 2024-03-03 is not in"):
        ingest(tmp_path / "spans", tmp_path / "none", "2024-03-04", window=4, eval_days=2, unit="day")


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_the_newest_hours_of_a_window_are_evaluated_and_told_apart(tmp_path, suffix):
    made = rows(["2024-02-29T22", "2024-02-29T23", "2024-03-01T00"], 60)
    made[DATE] += pd.Timedelta(minutes=59, seconds=59.5)
    folder = write_spans(made, tmp_path / "spans", Unit.HOUR)
    if suffix == "csv":
        for path in folder.rglob("*.parquet"):
            pd.read_parquet(path).to_csv(path.with_suffix(".csv"), index=False)
            path.unlink()
    examples = ingest(folder, tmp_path, "2024-03-01T00", window=3, unit="hour", eval_spans=2)
    assert json.loads(examples.get_string_custom_property("rows")) == {"train": 60, "eval": 120}
    assert json.loads(examples.get_string_custom_property("days")) == {"train": 1, "eval": 2}
    parts = sorted(path.name for path in (Path(examples.uri) / "Split-eval").iterdir())
    hours = np.concatenate([np.load(spans.days_file(examples.uri, part)) for part in parts]).astype("datetime64[h]")
    assert sorted(set(hours.tolist())) == [datetime.datetime(2024, 2, 29, 23), datetime.datetime(2024, 3, 1)]
    made[DATE] += pd.Timedelta(seconds=1)
    made[made[DATE].dt.floor("h") == "2024-03-01T00"].to_parquet(folder / "2024-02-29T23" / "late.parquet", index=False)
    with pytest.raises(BadData, match=r"60 rows have a day outside their span 2024-02-29T23.*in its own hour's folder"):
        ingest(folder, tmp_path / "wrong", "2024-03-01T00", window=3, unit="hour", eval_spans=2)


def test_rows_without_a_date_are_split_by_a_hash_of_their_values(tmp_path):
    made = rows(MONTHS[:2]).drop(columns=DATE)
    for number, part in enumerate(np.array_split(np.arange(len(made)), 3)):
        (tmp_path / "spans" / "2024").mkdir(parents=True, exist_ok=True)
        made.iloc[[*part, 0]].to_parquet(tmp_path / "spans" / "2024" / f"{number}.parquet", index=False)
    examples = ingest(tmp_path / "spans", tmp_path, "2024", window=1, unit="year", date="", eval_share=0.25)
    count = json.loads(examples.get_string_custom_property("rows"))
    assert sum(count.values()) == len(made) + 3 and count["eval"] == pytest.approx(0.25 * len(made), rel=0.15)
    assert json.loads(examples.get_string_custom_property("days")) == {}
    train, held_out = (parse(examples, split).drop_duplicates() for split in ("train", "eval"))
    assert len(train) + len(held_out) == len(made) == len(pd.concat([train, held_out]).drop_duplicates())
    again = ingest(tmp_path / "spans", tmp_path / "again", "2024", window=1, unit="year", date="", eval_share=0.25)
    assert len(parse(again, "eval")) == count["eval"], "the same rows, whenever they are read"
    with pytest.raises(BadData, match="No rows in the eval split: a hash of each row decides, since they have no date"):
        ingest(tmp_path / "spans", tmp_path / "none", "2024", window=1, unit="year", date="", eval_share=1e-9)
