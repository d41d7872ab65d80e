"""Files scored by Beam, beside the model's own answers."""

import datetime
import io
import shutil
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.shared.errors import BadConfig, BadData
from components.span_example_gen import reader
from pipeline.keys import PUBLIC
from serving import batch, scoring
from tests.components.model_store.keys import make_keys
from tests.serving.conftest import RAW

DAY = datetime.date(2013, 1, 1)


@pytest.fixture
def rows(frame, tmp_path):
    """`frame` in a file of three row groups."""
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=25, index=False)
    return tmp_path / "rows.parquet"


def run(rows, published, *arguments: str) -> int:
    """The exit code of scoring into scores.parquet beside the rows."""
    given = ["--input", str(rows), "--output", str(rows.parent / "scores.parquet"), "--model", str(published.folder)]
    return batch.main([*given, *arguments])


def test_columns_go_through_and_scores_are_the_models(rows, published, frame, scores, capsys, monkeypatch):  # noqa: PLR0917
    monkeypatch.setattr(scoring, "PART_ROWS", 10)
    assert run(rows, published) == 0
    found = pd.read_parquet(rows.parent / "scores.parquet")
    pd.testing.assert_frame_equal(found.drop(columns="probability"), frame.reset_index(drop=True))
    np.testing.assert_allclose(found["probability"], scores, rtol=1e-6)
    assert found["probability"].dtype == np.float32
    assert "64 rows in" in capsys.readouterr().err
    assert sorted(path.name for path in rows.parent.iterdir()) == ["rows.parquet", "scores.parquet"], "nothing else is left"


def test_several_files_keep_their_order(rows, published, scores, tmp_path):
    shutil.copy(rows, tmp_path / "again.parquet")
    assert run(rows, published, "--input", str(tmp_path / "again.parquet")) == 0
    found = pd.read_parquet(tmp_path / "scores.parquet")
    np.testing.assert_allclose(found["probability"], np.concatenate([scores, scores]), rtol=1e-6)


def test_a_folder_such_as_a_spans_is_all_its_files(rows, published, scores, tmp_path):
    span = tmp_path / "2013-01"
    span.mkdir()
    for name in ("b.parquet", "a.parquet"):
        shutil.copy(rows, span / name)
    (span / "_SUCCESS").touch()
    assert scoring.files([str(span), "gs://bucket/c.parquet"]) == [
        *(str(span / name) for name in ("a.parquet", "b.parquet")),
        "gs://bucket/c.parquet",
    ]
    output = tmp_path / "all.parquet"
    assert batch.main(["--input", str(span), "--output", str(output), "--model", str(published.folder)]) == 0
    np.testing.assert_allclose(pd.read_parquet(output)["probability"], np.concatenate([scores, scores]), rtol=1e-6)


@pytest.mark.parametrize(("name", "held"), [("rows.csv", "rows.csv"), ("_SUCCESS", "nothing")])
def test_a_folder_of_other_files_is_refused(published, tmp_path, capsys, name, held):
    (tmp_path / "span").mkdir()
    (tmp_path / "span" / name).touch()
    given = ["--input", str(tmp_path / "span"), "--output", str(tmp_path / "out.parquet"), "--model", str(published.folder)]
    assert batch.main(given) == 3
    assert f"{tmp_path}/span holds {held}. Expected Parquet files, whose names end in .parquet" in capsys.readouterr().err


def test_rows_of_other_columns_are_told_what_is_wanted(rows, published, parcels, capsys):
    pd.read_parquet(rows).rename(columns={"shop": "Shop"}).to_parquet(rows)
    assert run(rows, published, "--problem", str(parcels)) == 3
    said = capsys.readouterr().err
    assert f"{rows}: column shop is missing. Expected " in said
    assert "One row as it has to be" not in said or "request.json" in said


def test_a_version_that_is_not_signed_is_refused_when_a_key_is_given(rows, published, tmp_path, capsys):
    make_keys(tmp_path / "keys")
    assert run(rows, published, f"--public_key={tmp_path / 'keys' / PUBLIC}") == 1
    assert "SignatureInvalid: " in capsys.readouterr().err
    assert not (rows.parent / "scores.parquet").exists()


def workers(number: int) -> list[str]:
    """Processes of their own, as on a cluster: all that a worker needs is shipped to it."""
    return [f"--direct_num_workers={number}", "--direct_running_mode=multi_processing"]


def test_two_workers_of_the_default_runner(rows, published, scores):
    assert run(rows, published, *workers(2)) == 0
    np.testing.assert_allclose(pd.read_parquet(rows.parent / "scores.parquet")["probability"], scores, rtol=1e-6)


def test_what_a_worker_of_another_process_says_of_the_rows_is_passed_on(rows, published, frame, capsys):
    frame.assign(distance=[1e300, *frame.distance[1:]]).to_parquet(rows, row_group_size=25, index=False)
    assert run(rows, published, *workers(1)) == 3
    message, code = capsys.readouterr().err.splitlines()[-2:]
    assert message.startswith(
        f"BadData: {rows}, row group 0, rows from 0, row 1 of these: distance is 1e+300; expected a number such as 1.5"
    )
    assert code == "Exit code 3: the data were refused."


OTHER_TYPES = {"string": pa.dictionary(pa.int32(), pa.large_string()), "float32": pa.float64(), "int64": pa.int8()}


def test_other_types_of_the_same_values(rows, published, frame, scores):
    """Doubles, dictionaries and large strings, small integers."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for number, feature in enumerate(table.column_names):
        if other := OTHER_TYPES.get(RAW.get(feature)):
            table = table.set_column(number, feature, table.column(feature).cast(other))
    pq.write_table(table, rows)
    assert run(rows, published) == 0
    np.testing.assert_allclose(pd.read_parquet(rows.parent / "scores.parquet")["probability"], scores, rtol=1e-6)


def drop(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns="shop")


def scored(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(probability=0.5)


def text(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(distance="far")


def too_large(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(distance=1e300)


def nested(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(distance=[[1.0]] * len(frame))


def null(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(gift=frame["gift"].astype("Int64").where(frame.index != frame.index[30]))


def none(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.head(0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop, "rows.parquet: column shop is missing. Expected "),
        (scored, "has a column probability already"),
        (text, "rows.parquet: column distance is string; expected float"),
        (too_large, "row group 0, rows from 0, row 1 of these: distance is 1e+300; expected a number such as 1.5"),
        (nested, "column distance is list<element: double>; expected float"),
        (null, "row group 1, rows from 0: 1 values of"),
        (none, "there are no rows; expected at least one"),
    ],
)
def test_rows_that_cannot_be_scored(rows, published, frame, change, message, capsys):  # noqa: PLR0917
    change(frame).to_parquet(rows, row_group_size=25, index=False)
    (rows.parent / "scores.parquet").write_bytes(b"before")
    assert run(rows, published, "--overwrite") == 3
    assert message in capsys.readouterr().err
    assert (rows.parent / "scores.parquet").read_bytes() == b"before"
    assert sorted(path.name for path in rows.parent.iterdir()) == ["rows.parquet", "scores.parquet"]


def in_parquet(folder, column: pa.Array, dtype: str, names=("x",)) -> tuple[str, str]:
    """What training and what this says of a file with such a column: nothing, or the error."""
    pq.write_table(pa.Table.from_arrays([column] * len(names) + [pa.array([DAY])], [*names, "day"]), folder / "x.parquet")
    said = []
    for read in (
        lambda path: list(reader.read(path, {"x": dtype}, "day")),
        lambda path: scoring.row_groups(
            [path], {"x": {"string": "DT_STRING", "float32": "DT_FLOAT", "int64": "DT_INT64"}[dtype]}, ["probability"]
        ),
    ):
        try:
            read(str(folder / "x.parquet"))
            said.append("")
        except BadData as error:
            said.append(str(error))
    return said[0], said[1]


@pytest.mark.parametrize("dtype", ["string", "float32", "int64"])
@pytest.mark.parametrize(
    "value", [1.0, True, "7", b"7", 7, DAY, datetime.datetime(2013, 1, 1), datetime.time(1), Decimal(1), None], ids=repr
)
def test_a_type_that_training_refuses_is_refused_and_no_other(tmp_path, value, dtype):
    plain = pa.array([value])
    for column in [plain] if value is None else [plain, plain.dictionary_encode()]:  # Parquet has no dictionary of nulls
        training, serving = in_parquet(tmp_path, column, dtype)
        assert serving == training


def test_a_column_that_is_there_twice_is_refused_as_in_training(tmp_path):
    training, serving = in_parquet(tmp_path, pa.array(["a"]), "string", names=("x", "x"))
    assert serving == training
    assert "column x stands more than once" in serving


@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense PAR1"])
def test_a_file_that_is_no_parquet(rows, published, content, capsys):
    rows.write_bytes(content)
    assert run(rows, published) == 3
    assert "cannot be read as Parquet" in capsys.readouterr().err


def test_a_file_that_is_not_there(rows, published, capsys):
    rows.unlink()
    assert run(rows, published) == 3
    assert "rows.parquet cannot be read as Parquet" in capsys.readouterr().err


def test_an_output_that_is_there_is_kept(rows, published, capsys):
    (rows.parent / "scores.parquet").write_bytes(b"before")
    assert run(rows, published) == 2
    assert "exists already; expected a new file" in capsys.readouterr().err
    assert (rows.parent / "scores.parquet").read_bytes() == b"before"


def test_a_model_that_is_none(rows, tmp_path, capsys):
    command = ["--input", str(rows), "--output", str(tmp_path / "x.parquet"), "--model", str(tmp_path / "7")]
    assert batch.main(command) == 1
    assert "is not a version; expected a folder with a number" in capsys.readouterr().err


def test_a_model_that_was_changed(rows, published, tmp_path, capsys):
    shutil.copytree(published.folder, tmp_path / "1")
    (tmp_path / "1" / "fingerprint.pb").write_bytes(b"x")
    command = ["--input", str(rows), "--output", str(tmp_path / "x.parquet"), "--model", str(tmp_path / "1")]
    assert batch.main(command) == 1
    assert "differs from its manifest: fingerprint.pb" in capsys.readouterr().err


class Watched(io.StringIO):
    """A standard error that does something when a word is written."""

    def __init__(self, word: str, do):
        super().__init__()
        self.word, self.do = word, do

    def write(self, text: str) -> int:
        if self.word in text:
            self.do()
        return super().write(text)


def test_what_is_loaded_is_the_copy_that_was_compared(rows, published, tmp_path, scores, monkeypatch):
    """Somebody who can write to the published folder waits until it was compared."""
    folder = tmp_path / "published" / "1"
    shutil.copytree(published.folder, folder)
    monkeypatch.setattr(sys, "stderr", Watched("Scoring with", lambda: (folder / "saved_model.pb").write_bytes(b"another")))
    assert batch.main(["--input", str(rows), "--output", str(tmp_path / "scores.parquet"), "--model", str(folder)]) == 0
    assert (folder / "saved_model.pb").read_bytes() == b"another"
    np.testing.assert_allclose(pd.read_parquet(tmp_path / "scores.parquet")["probability"], scores, rtol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["published", "rows.parquet", "scores.parquet"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--public-key", "keys/public.pem"], "--public-key: "),
        (["--public_ke=keys/public.pem"], "--public_ke: "),
        (["--over"], "--over: "),
        (["--direct_num_worker=2", "--overwrit"], "--direct_num_worker, --overwrit: "),
        (["--object_reuse", "--public-key=keys/public.pem", "--runner=FlinkRunner"], "--public-key: "),
        (["--public_kye", "keys/public.pem", "--runner=PortableRunner"], "--public_kye: "),
        (["more.parquet"], "more.parquet: "),
    ],
)
def test_an_option_that_nobody_knows_is_refused(rows, published, arguments, named, capsys):
    """Beam would leave it out without a word, and with it the check of the signature."""
    assert run(rows, published, *arguments) == 2
    said = capsys.readouterr().err
    assert f"BadConfig: {named}there is no such option" in said
    assert "https://beam.apache.org/" in said
    assert not (rows.parent / "scores.parquet").exists()


@pytest.mark.parametrize("runner", ["FlinkRunner", "SparkRunner", "PortableRunner"])
def test_a_job_server_may_have_options_of_its_own(runner):
    batch.check_options([f"--runner={runner}", "--object_reuse", "--checkpointing_interval=60000", "--bundle_size", "100"])
    with pytest.raises(BadConfig, match="--object_reuse, --checkpointing_interval: there is no such option"):
        batch.check_options(["--runner=FnApiRunner", "--object_reuse", "--checkpointing_interval=60000"])


def test_options_of_all_of_beams_runners_are_known(rows, published, scores):
    others = ["--flink_version=1.19", "--spark_master_url=local[2]", "--dataflow_service_options=a", "--s3_region_name", "b"]
    assert run(rows, published, "--environment_type=LOOPBACK", "--sdk_worker_parallelism=2", *others) == 0
    np.testing.assert_allclose(pd.read_parquet(rows.parent / "scores.parquet")["probability"], scores, rtol=1e-6)


def test_files_in_a_folder_that_tensorflow_takes_for_a_pattern(rows, published, scores, capsys):
    """Its loader of variables would find none in [b]."""
    folder = rows.parent / "a [b]*"
    folder.mkdir()
    rows.rename(folder / "rows.parquet")
    assert run(folder / "rows.parquet", published) == 0
    assert f"a second, to {folder}/scores.parquet." in capsys.readouterr().err
    np.testing.assert_allclose(pd.read_parquet(folder / "scores.parquet", partitioning=None)["probability"], scores, rtol=1e-6)
    assert sorted(path.name for path in folder.iterdir()) == ["rows.parquet", "scores.parquet"]
