"""Writes `written/`: the same five rows by each common writer, as it writes them by itself and as it may be told to.

Its writers are no dependencies of the project (Spark alone has 400 MB, and wants Java), so that the files are in git, 34 KB.
They come of an environment of its own, with Java:

    uv venv /tmp/writers
    uv pip install --python /tmp/writers/bin/python pyspark==3.5.* "numpy<2" pandas pyarrow==18.1.0 fastparquet polars duckdb
    /tmp/writers/bin/python tests/data/write_files.py
"""

import datetime
import shutil
import tempfile
from pathlib import Path

import duckdb
import fastparquet
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
from pyspark.sql import SparkSession, functions

TARGET = Path(__file__).with_name("written")
ROWS = pd.DataFrame(
    {
        "date": [datetime.date(2013, 2, day) for day in (1, 2, 3, 4, 5)],
        "carrier": ["UA", "NA", None, "a, b", "Ü"],
        "engines": pd.array([2, None, 4, 1, 2], dtype="Int64"),
        "temp": [30.5, None, -0.25, 1e7, 28.0],
        "late": [True, False, True, False, True],
    }
)


def with_pandas(folder: Path) -> None:
    ROWS.to_parquet(folder / "pandas.parquet", index=False)
    ROWS.astype({"carrier": "category"}).to_parquet(folder / "pandas-category.parquet", index=False)
    ROWS.to_csv(folder / "pandas.csv", index=False)
    ROWS.astype({"late": float, "engines": float}).to_csv(folder / "pandas-floats.csv", index=False)
    times = ROWS.assign(date=pd.to_datetime(ROWS.date))
    times.to_parquet(folder / "pandas-times.parquet", index=False)
    times.assign(date=times.date + pd.Timedelta("10h")).to_csv(folder / "pandas-times.csv", index=False)
    exact = times.astype({"engines": float, "date": "datetime64[ns]"})  # it writes seconds as if they were milliseconds
    fastparquet.write(folder / "fastparquet.parquet", exact, compression="SNAPPY", write_index=False)


def with_pyarrow(folder: Path) -> None:
    table = pa.Table.from_pandas(ROWS, preserve_index=False)
    delta = {"carrier": "DELTA_BYTE_ARRAY", "engines": "DELTA_BINARY_PACKED", "temp": "BYTE_STREAM_SPLIT"}
    pa.parquet.write_table(
        table, folder / "pyarrow-delta.parquet", use_dictionary=False, column_encoding=delta, data_page_version="2.0"
    )
    pa.parquet.ParquetWriter(folder / "pyarrow-without-row-groups.parquet", table.schema).close()


def with_polars(folder: Path) -> None:
    frame = pl.from_pandas(ROWS)
    frame.write_parquet(folder / "polars.parquet")
    frame.write_csv(folder / "polars.csv")
    frame.write_csv(folder / "polars-tabs.csv", separator="\t", null_value="NULL")


def with_duckdb(folder: Path) -> None:
    duckdb.register("rows", pa.Table.from_pandas(ROWS, preserve_index=False))
    duckdb.sql(f"COPY rows TO '{folder}/duckdb.parquet' (FORMAT parquet)")
    duckdb.sql(f"COPY rows TO '{folder}/duckdb-v2.parquet' (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd)")
    duckdb.sql(f"COPY rows TO '{folder}/duckdb.csv'")


def with_spark(folder: Path) -> None:
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    values = [tuple(None if pd.isna(value) else value for value in row) for row in ROWS.astype(object).itertuples(index=False)]
    frame = spark.createDataFrame(values, "date date, carrier string, engines long, temp double, late boolean")
    v2 = {"parquet.writer.version": "v2", "parquet.enable.dictionary": "false"}
    ways = {
        "spark": frame.write,
        "spark-v2": frame.write.options(**v2),
        "spark-gzip": frame.write.option("compression", "gzip"),
        "spark-lz4": frame.write.option("compression", "lz4"),
    }
    with tempfile.TemporaryDirectory() as work:
        for name, writer in ways.items():
            writer.parquet(f"{work}/{name}")
            _only(Path(work) / name, folder / f"{name}.parquet")
        frame.filter("false").write.parquet(f"{work}/empty")
        _only(Path(work) / "empty", folder / "spark-without-rows.parquet")
        frame.write.option("header", "true").csv(f"{work}/csv")
        _only(Path(work) / "csv", folder / "spark.csv")
        times = frame.withColumn("date", functions.to_timestamp_ntz("date"))
        times.write.parquet(f"{work}/times")
        _only(Path(work) / "times", folder / "spark-times.parquet")
    spark.stop()


def _only(written: Path, target: Path) -> None:
    [part] = written.glob("part-*")
    shutil.copy(part, target)


def by_hand(folder: Path) -> None:
    """What Excel saves as "CSV UTF-8" in Germany and in the United States, and BigQuery's export; neither runs here."""
    german = "date;carrier;engines;temp;late\r\n2013-02-01;UA;2;30,5;1\r\n2013-02-02;NA;;;0\r\n2013-02-03;;4;-0,25;1\r\n"
    german += "2013-02-04;a, b;1;10000000;0\r\n2013-02-05;Ü;2;28;1\r\n"
    (folder / "as-excel-german.csv").write_bytes(german.encode("utf-8-sig"))
    american = "date,carrier,engines,temp,late\r\n2013-02-01,UA,2,30.5,TRUE\r\n2013-02-02,NA,#N/A,#N/A,FALSE\r\n"
    american += '2013-02-03,,4,-0.25,TRUE\r\n2013-02-04,"a, b",1,1.00E+07,FALSE\r\n2013-02-05,Ü,2,28,TRUE\r\n'
    (folder / "as-excel-american.csv").write_bytes(american.encode("utf-8-sig"))
    bigquery = "date,carrier,engines,temp,late\n2013-02-01,UA,2,30.5,true\n2013-02-02,NA,,,false\n2013-02-03,,4,-0.25,true\n"
    bigquery += '2013-02-04,"a, b",1,1e+07,false\n2013-02-05,Ü,2,28,true\n'
    (folder / "as-bigquery.csv").write_text(bigquery, encoding="utf-8")


if __name__ == "__main__":
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir()
    for write in (with_pandas, with_pyarrow, with_polars, with_duckdb, with_spark, by_hand):
        write(TARGET)
