"""Builds the spans: one Parquet file a month of taxi trips in Chicago, 2013 to 2016.

Source: the sample of the City of Chicago's taxi trips that TFX's examples carry. The rows are those that `python -m
pipeline.adopt` writes of that file, as data/README.md shows; a test compares them.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from rich.console import Console

from components.shared.command_line import ended
from components.shared.errors import BadData, RootUnusable
from components.shared.files import fsync, temporary_folder

SPANS = Path(__file__).parent / "spans"
SOURCE = "examples/chicago_taxi_pipeline/data/simple/data.csv"  # of tfx
CODES = ["pickup_community_area", "dropoff_census_tract", "dropoff_community_area"]
TEXTS = [*CODES, "payment_type", "company"]
LEFT_OUT = ["pickup_census_tract", "tips"]  # a constant; and what the label is made of


def source_file() -> Path:
    """Find the table without importing TFX. Raises BadData without it."""
    spec = find_spec("tfx")
    file = Path(spec.origin).parent / SOURCE if spec and spec.origin else None
    if file is None or not file.is_file():
        raise BadData(f"{SOURCE} of the package tfx was not found. Expected it in this environment: run `uv sync`.")
    return file


def trips() -> pd.DataFrame:
    """Read all trips, in the order of time, with the label: whether the tip was more than a fifth of the fare."""
    read = pd.read_csv(source_file(), dtype=dict.fromkeys(CODES, "string"))
    start = pd.to_datetime(read["trip_start_timestamp"], unit="s")
    features = read.drop(columns=[*LEFT_OUT, "trip_start_timestamp"])
    features["trip_start_timestamp_minute"] = start.dt.hour * 60 + start.dt.minute
    numbers = features.columns.difference(TEXTS)
    features[numbers] = features[numbers].astype("float32")
    features.insert(0, "trip_start_timestamp", start.dt.date)
    features["big_tip"] = (read["tips"] > 0.2 * read["fare"]).astype("int64")
    return features.loc[start.sort_values(kind="stable").index]


def build(folder: Path, console: Console) -> None:
    """Write the spans that are not there. Raises RootUnusable or BadData."""
    rows, written = trips(), 0
    months = pd.to_datetime(rows["trip_start_timestamp"]).dt.strftime("%Y-%m")
    try:
        for span, month in rows.groupby(months):
            if not (folder / str(span)).exists():
                with temporary_folder(folder) as temporary:
                    made = temporary / str(span)
                    made.mkdir()
                    month.to_parquet(made / "taxi_0.parquet", index=False)
                    fsync(made / "taxi_0.parquet")
                    made.rename(folder / str(span))
                written += 1
    except OSError as error:
        raise RootUnusable(f"No spans were built in {folder}: {error}") from error
    console.print(
        f"Wrote {written} months to {folder}: {len(rows):,} trips in all, {rows['big_tip'].mean():.1%} with a big tip."
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m data.taxi.build", description=__doc__)
    parser.add_argument("--folder", type=Path, default=SPANS, help="where the spans go (default: %(default)s)")
    folder: Path = parser.parse_args(arguments).folder
    console = Console(highlight=False, soft_wrap=True)
    return ended(lambda: build(folder, console), console)


if __name__ == "__main__":
    raise SystemExit(main())
