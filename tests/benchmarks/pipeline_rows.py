"""The same rows for both pipelines, at three sizes: Parquet spans for ours, CSV files for the stock components."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from components.shared import spans
from components.shared.units import Unit
from tests.flights import COLUMNS, DATE

YEAR = 2013


@dataclass(frozen=True)
class Size:
    """A window of months, `span` the newest of them."""

    span: str
    window: int

    @property
    def months(self) -> list[str]:
        return Unit.MONTH.window(self.span, self.window)


# One window, the whole year, and four times the year.
SIZES = {"window": Size(f"{YEAR}-03", 3), "year": Size(f"{YEAR}-12", 12), "years": Size(f"{YEAR}-12", 48)}


def write_spans(real: Path, folder: Path, size: Size) -> int:
    """Writes the months of a window that are not in `folder` yet; other years are copies with their dates. Returns the rows."""
    rows = 0
    for month in size.months:
        source, target = real / f"{YEAR}{month[4:]}" / "flights.parquet", folder / month / "flights.parquet"
        if not target.exists():
            flights = pd.read_parquet(source)
            dates = pd.to_datetime(flights[DATE]) - pd.DateOffset(years=YEAR - int(month[:4]))
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".partial")
            flights.assign(**{DATE: dates.dt.date}).to_parquet(partial, index=False)
            partial.rename(target)
        rows += pq.read_metadata(target).num_rows
    return rows


def write_csv(folder: Path, size: Size, eval_days: int, target: Path) -> None:
    """Writes a window as `<target>/<split>/<month>.csv`, split by time as SpanExampleGen does.

    CsvExampleGen guesses types: a float without a fraction is written as "5.0", so that it stays one. Missing values are empty.
    """
    if target.exists():
        return
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for split in spans.SPLITS:
        (partial / split).mkdir(parents=True)
    for month in size.months:
        for split, rows in _splits(folder / month / "flights.parquet", size, eval_days):
            if len(rows):
                rows.to_csv(partial / split / f"{month}.csv", index=False)
    partial.rename(target)


def _splits(path: Path, size: Size, eval_days: int) -> Iterator[tuple[str, pd.DataFrame]]:
    flights = pd.read_parquet(path, columns=[DATE, *COLUMNS])
    floats = {name: "float64" for name, dtype in COLUMNS.items() if dtype == "float32"}
    is_train = (pd.to_datetime(flights[DATE]) < Unit.MONTH.evaluated_from(size.span, eval_days, 0)).to_numpy()
    features = flights[list(COLUMNS)].astype(floats)
    yield from zip(spans.SPLITS, (features[is_train], features[~is_train]), strict=True)
