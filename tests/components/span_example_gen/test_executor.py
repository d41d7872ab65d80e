"""The real executor on the real Beam runner: what it writes, and what it says of files that it cannot use."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts

from components.shared import record_batches, spans
from components.shared.errors import BadData
from components.span_example_gen import content
from components.span_example_gen.component import Driver
from components.span_example_gen.executor import Executor
from data.flights.build import write_spans
from tests.flights import COLUMNS, DATE, LABEL


def ingest(spans, folder, span="2013-02", window=2, eval_days=10, *, ignore=(), missing=(), **told):
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "examples")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=["--runner=FnApiRunner", "--sdk_container_image=none"], tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    parameters = {"spans_folder": str(spans), "span": span, "window": window, "eval_days": eval_days, "complete_after_days": 3}
    lists = {"columns": json.dumps(COLUMNS), "ignore_columns": json.dumps(ignore), "missing": json.dumps(missing)}
    Executor(context).Do({}, {"examples": [examples]}, {**parameters, **lists, "date": DATE, **told})
    return examples


def parse(examples, split) -> pd.DataFrame:
    """The rows of a split, read with TensorFlow alone."""
    files = sorted(tf.io.gfile.glob(f"{examples.uri}/Split-{split}/*"))
    spec = {name: tf.io.VarLenFeature(tf.as_dtype(dtype)) for name, dtype in COLUMNS.items()}
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    parsed = tf.io.parse_example(records, spec)
    columns = {}
    for name in COLUMNS:
        sparse = parsed[name]
        column = pd.Series(index=range(len(records)), dtype="object" if COLUMNS[name] == "string" else "float64")
        column[sparse.indices[:, 0].numpy()] = sparse.values.numpy()
        columns[name] = column.str.decode("utf-8") if COLUMNS[name] == "string" else column
    return pd.DataFrame(columns)


def test_the_days_of_the_evaluation_rows_are_beside_them_in_their_order(few_flights, tmp_path):
    flights = few_flights[few_flights.date < "2013-03-01"].sample(frac=1, random_state=3)  # unsorted, as files may be
    (tmp_path / "spans").mkdir()
    write_spans(flights, tmp_path / "spans")
    examples = ingest(tmp_path / "spans", tmp_path)
    parts = sorted(path.name for path in (Path(examples.uri) / "Split-eval").iterdir())
    days = np.concatenate([np.load(spans.days_file(examples.uri, part)) for part in parts])
    held_out = flights[flights.date >= "2013-02-19"]
    assert sorted(days.astype("datetime64[D]")) == sorted(held_out.date.to_numpy().astype("datetime64[D]"))
    assert parse(examples, "eval").weekday.groupby(days).nunique().eq(1).all()


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(list(COLUMNS)).reset_index(drop=True)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_every_row_arrives_once_with_its_values_in_the_split_of_its_day(few_flights, tmp_path, suffix):
    flights = few_flights[few_flights.date < "2013-03-01"]
    (tmp_path / "spans").mkdir()
    write_spans(flights, tmp_path / "spans")
    if suffix == "csv":
        for path in (tmp_path / "spans").rglob("*.parquet"):
            pd.read_parquet(path).to_csv(path.with_suffix(".csv"), index=False)
            path.unlink()
    examples = ingest(tmp_path / "spans", tmp_path)
    is_eval = flights.date >= "2013-02-19"
    for split, written in (("train", flights[~is_eval]), ("eval", flights[is_eval])):
        expected = written[list(COLUMNS)].astype({name: "float64" for name, dtype in COLUMNS.items() if dtype != "string"})
        found = in_order(parse(examples, split)).astype(expected.dtypes.to_dict())
        pd.testing.assert_frame_equal(found, in_order(expected), rtol=1e-6, check_dtype=False)
    assert json.loads(examples.get_string_custom_property("rows")) == {"train": (~is_eval).sum(), "eval": is_eval.sum()}
    assert examples.get_string_custom_property("span") == "2013-02"
    assert examples.get_string_custom_property("window") == "2013-01,2013-02"


GOOD = pd.DataFrame(
    {DATE: ["2013-02-01", "2013-02-25"]}
    | {name: ["UA", "AA"] if dtype == "string" else [1, 0] for name, dtype in COLUMNS.items()}
)
TEXT = GOOD.to_csv(index=False)


def corrupt_csv(name: str) -> bytes:
    """One broken CSV file a name."""
    return {
        "empty": b"",
        "only a header": TEXT.splitlines()[0].encode() + b"\n",
        "ragged": (TEXT + "2013-02-03,UA\n").encode(),
        "missing column": GOOD.drop(columns="distance").to_csv(index=False).encode(),
        "text in a number": GOOD.astype({"distance": object}).replace({"distance": {1: "far"}}).to_csv(index=False).encode(),
        "Latin-1": TEXT.replace("UA", "Å").encode("latin-1"),
        "no date": GOOD.assign(date=["2013-02-01", "soon"]).to_csv(index=False).encode(),
        "another month": GOOD.assign(date=["2013-02-01", "2013-03-01"]).to_csv(index=False).encode(),
        "half a label": GOOD.assign(late=[0.5, 1]).to_csv(index=False).encode(),
        "unknown column": GOOD.assign(mood=1).to_csv(index=False).encode(),
        "pandas' index": GOOD.to_csv().encode(),
        "repeated column": TEXT.replace("late\n", "late,temp\n").replace("1\n", "1,1\n").replace("0\n", "0,0\n").encode(),
    }[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "Empty CSV file"),
        ("only a header", "2013-02: its files have no rows; expected at least one in each month"),
        ("ragged", r"line 4: 2 cells; expected \d+, as in the header"),
        ("missing column", "column distance is missing. Expected"),
        ("text in a number", "line 2: column distance is 'far'; expected a number such as 1.5"),
        ("Latin-1", r"line 2: column carrier is b'\\xc5', which is not UTF-8"),
        ("no date", "line 3: column date is 'soon'; expected a date such as 2013-02-28"),
        ("another month", "1 rows have a date outside their span 2013-02, such as 2013-03-01"),
        ("half a label", "line 2: column late is '0.5'; expected an integer such as 1"),
        ("unknown column", r"column mood is not declared\. Declare it.*or list it under data\.ignore_columns"),
        ("pandas' index", r'column "" \(without a name\) is not declared'),
        ("repeated column", "column temp stands more than once"),
    ],
)
def test_a_csv_that_cannot_be_used_is_named_with_the_reason(tmp_path, name, message):
    path = tmp_path / "spans" / "2013-02" / "flights.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(corrupt_csv(name))
    with pytest.raises(BadData, match=message) as error:
        ingest(tmp_path / "spans", tmp_path, window=1)
    assert str(path if name != "only a header" else path.parent) in str(error.value)


def test_good_csv_is_used(tmp_path):
    """The base of the broken ones really is good."""
    (tmp_path / "spans" / "2013-02").mkdir(parents=True)
    (tmp_path / "spans" / "2013-02" / "flights.csv").write_text(TEXT)
    assert parse(ingest(tmp_path / "spans", tmp_path, window=1), "eval")[LABEL].tolist() == [0]


def test_a_column_that_is_listed_is_left_unread(tmp_path):
    (tmp_path / "spans" / "2013-02").mkdir(parents=True)
    GOOD.assign(mood=1).to_parquet(tmp_path / "spans" / "2013-02" / "flights.parquet", index=False)
    with pytest.raises(BadData, match="column mood is not declared"):
        ingest(tmp_path / "spans", tmp_path / "refused", window=1)
    assert len(parse(ingest(tmp_path / "spans", tmp_path, window=1, ignore=["mood"]), "train")) == 1


def test_rows_that_repeat_are_counted_over_all_files_of_a_span(few_spans, tmp_path):
    flights = pd.read_parquet(few_spans / "2013-02" / "flights.parquet")
    for month in ("2013-01", "2013-02"):
        (tmp_path / "spans" / month).mkdir(parents=True)
    pd.read_parquet(few_spans / "2013-01").to_parquet(tmp_path / "spans" / "2013-01" / "a.parquet", index=False)
    flights.to_parquet(tmp_path / "spans" / "2013-02" / "a.parquet", index=False)
    flights.head(1000).to_parquet(tmp_path / "spans" / "2013-02" / "b.parquet", index=False)
    counts = json.loads(ingest(tmp_path / "spans", tmp_path).get_string_custom_property("repeated"))
    assert counts == {"2013-01": {"repeated": 0, "rows": 3000}, "2013-02": {"repeated": 1000, "rows": 4000}}


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.999])
def test_a_truncated_parquet_file_is_named(few_spans, tmp_path, keep):
    whole = (few_spans / "2013-02" / "flights.parquet").read_bytes()
    path = tmp_path / "spans" / "2013-02" / "flights.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(BadData, match=r"cannot be read.*Expected a whole") as error:
        ingest(tmp_path / "spans", tmp_path, window=1)
    assert str(path) in str(error.value)


def test_a_parquet_column_of_the_wrong_type_is_named(tmp_path):
    path = tmp_path / "spans" / "2013-02" / "flights.parquet"
    path.parent.mkdir(parents=True)
    GOOD.assign(date=pd.to_datetime(GOOD.date), temp=["warm", "cold"]).to_parquet(path)
    with pytest.raises(BadData, match="column temp is string; expected float"):
        ingest(tmp_path / "spans", tmp_path, window=1)


def test_all_broken_files_are_named_at_once(tmp_path):
    for name in ("a.csv", "b.csv"):
        path = tmp_path / "spans" / "2013-02" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    with pytest.raises(BadData, match=r"(?s)a\.csv.*b\.csv"):
        ingest(tmp_path / "spans", tmp_path, window=1)


def test_a_window_without_evaluation_rows_is_refused(tmp_path):
    (tmp_path / "spans" / "2013-02").mkdir(parents=True)
    GOOD.assign(date="2013-02-01").to_csv(tmp_path / "spans" / "2013-02" / "flights.csv", index=False)
    message = "No rows in the eval split: expected some of 2013-02-19 to 2013-02-28, found rows of 2013-02-01 to 2013-02-01"
    with pytest.raises(BadData, match=message):
        ingest(tmp_path / "spans", tmp_path, window=1)


def test_what_was_read_is_recorded_unless_it_changed_since_the_driver_saw_it(few_spans, tmp_path):
    outside = Driver(None).outside({"spans_folder": str(few_spans), "span": "2013-02", "window": 2})
    recorded = ingest(few_spans, tmp_path, outside=outside).get_string_custom_property(content.PROPERTY)
    assert json.loads(recorded) == content.totals(json.loads(outside))
    spans = Path(shutil.copytree(few_spans, tmp_path / "spans"))
    shutil.copy(spans / "2013-02" / "flights.parquet", spans / "2013-02" / "late.parquet")
    with pytest.raises(BadData, match=r"2013-02: late\.parquet changed while the run read it"):
        ingest(spans, tmp_path, outside=outside)


def test_the_days_of_each_split_are_counted(few_flights, tmp_path):
    (tmp_path / "spans").mkdir()
    write_spans(few_flights[few_flights.date < "2013-02-23"], tmp_path / "spans")
    days = json.loads(ingest(tmp_path / "spans", tmp_path).get_string_custom_property("days"))
    assert days == {"train": 31 + 18, "eval": 4}


def test_part_files_without_rows_are_read_as_none(few_spans, tmp_path):
    """Spark writes one for each empty partition, without a row group; not one of a month must have rows."""
    month = tmp_path / "spans" / "2013-02"
    month.mkdir(parents=True)
    flights = pd.read_parquet(few_spans / "2013-02" / "flights.parquet")
    schema = pa.Table.from_pandas(flights, preserve_index=False).schema
    pa.parquet.ParquetWriter(month / "part-0.parquet", schema).close()
    flights.head(0).to_csv(month / "part-1.csv", index=False)
    with pytest.raises(BadData, match="2013-02: its files have no rows; expected at least one in each month"):
        ingest(tmp_path / "spans", tmp_path / "none", window=1)
    flights.to_parquet(month / "part-2.parquet", index=False)
    examples = ingest(tmp_path / "spans", tmp_path / "some", window=1)
    assert sum(json.loads(examples.get_string_custom_property("rows")).values()) == len(flights)


def test_many_part_files_become_few_and_keep_their_order(few_spans, tmp_path):
    """What follows takes its time by the file."""
    flights = pd.read_parquet(few_spans / "2013-02" / "flights.parquet")
    for name, parts in (("one", 1), ("many", 100)):
        month = tmp_path / name / "2013-02"
        month.mkdir(parents=True)
        for number, rows in enumerate(np.array_split(np.arange(len(flights)), parts)):
            flights.iloc[rows].to_parquet(month / f"part-{number:05}.parquet", index=False)
    one, many = (ingest(tmp_path / name, tmp_path / f"{name} out", window=1) for name in ("one", "many"))
    for split in ("train", "eval"):
        assert len(tf.io.gfile.glob(f"{many.uri}/Split-{split}/*")) <= 8
        pd.testing.assert_frame_equal(parse(many, split), parse(one, split))
    assert many.get_string_custom_property("repeated") == one.get_string_custom_property("repeated")


def test_spans_and_a_root_whose_names_look_like_patterns(few_spans, tmp_path):
    folder = Path(shutil.copytree(few_spans, tmp_path / "spans [b]*" / "of #%é"))
    examples = ingest(folder, tmp_path / "root [a] ?", window=1)
    rows = json.loads(examples.get_string_custom_property("rows"))
    assert sum(rows.values()) == 3000
    assert len(spans.shards(examples.uri, "2013-02")) == 2
    assert len(record_batches.files(examples, "train")) == 1
