import pandas as pd
import pytest

from data.flights import build
from tests.clocks import processor_seconds
from tests.flights import COLUMNS, DATE


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    return build.read_csv("flights.csv.zip")


@pytest.fixture(scope="module")
def spans(year, tmp_path_factory):
    folder = tmp_path_factory.mktemp("year")
    return folder, build.write_spans(year, folder)


def test_the_year_costs_less_than_twenty_seconds_and_a_line(tmp_path, capsys):
    assert processor_seconds(lambda: build.main(["--folder", str(tmp_path)])) < 20
    said = "327,346 flights, 24.5% late; 9,430 were cancelled or diverted, and are left out."
    assert capsys.readouterr().out == f"Wrote 2013-01 to 2013-12 to {tmp_path}: {said}\n"


def test_a_wrong_argument_is_refused():
    with pytest.raises(SystemExit) as ended:
        build.main(["--nonsense"])
    assert ended.value.code == 2


def test_every_flight_that_arrived_is_in_the_span_of_its_month(spans, raw):
    folder, written = spans
    arrived = raw[raw.arr_delay.notna()].groupby("month").size()
    assert [month.rows for month in written] == arrived.tolist()
    assert sum(month.left_out for month in written) == raw.arr_delay.isna().sum() == 9430
    july = pd.read_parquet(folder / "2013-07")
    assert len(july) == arrived[7]
    assert {(date.year, date.month) for date in july[DATE]} == {(2013, 7)}


def test_columns_are_the_declared_ones_and_nothing_that_is_known_only_later(spans):
    columns = set(pd.read_parquet(spans[0] / "2013-01").columns)
    assert columns == {DATE, *COLUMNS}
    assert not columns & {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}


def test_label_is_an_arrival_15_or_more_minutes_late(year, raw):
    known = raw.arr_delay.notna()
    assert (year.late[known] == (raw.arr_delay[known] >= 15)).all()
    assert year.late[~known].isna().all()


def test_weather_and_plane_are_those_of_the_flight(year, raw):
    """Against a look-up by key, a row at a time, instead of the join."""
    weather = build.read_csv("weather.csv").set_index(["origin", "time_hour"])
    planes = build.read_csv("planes.csv").set_index("tailnum")
    for index in raw.sample(200, random_state=3).index:
        flight, row = raw.loc[index], year.loc[index]
        key = (flight.origin, flight.time_hour)
        expected = [weather.loc[key, name] if key in weather.index else float("nan") for name in build.WEATHER]
        assert row[build.WEATHER].astype(float).tolist() == pytest.approx(expected, nan_ok=True)
        known = flight.tailnum in planes.index
        expected = [planes.loc[flight.tailnum, name] if known else float("nan") for name in ("year", "seats", "engines")]
        assert row[build.PLANE].astype(float).tolist() == pytest.approx(expected, nan_ok=True)


def test_timetable_features(year, raw):
    first = year.iloc[0]  # 2013-01-01, a Tuesday and New Year's Day: UA 1545, 05:15 to 08:19
    assert (first.departure_minute, first.arrival_minute, first.weekday, first.holiday) == (315, 499, 1, 1)
    same_hour = (raw.origin == raw.origin[0]) & (raw.time_hour == raw.time_hour[0])
    assert first.departures_in_hour == same_hour.sum()
    assert year[year.date == "2013-01-02"].holiday.eq(0).all()


@pytest.mark.parametrize(
    ("column", "key", "days"), [("origin_late_share_1d", "origin", 1), ("carrier_late_share_7d", "carrier", 7)]
)
def test_late_shares_are_those_of_the_days_before(year, column, key, days):
    """Against a count of the flights themselves."""
    assert year[year.date == "2013-01-01"][column].isna().all()
    for _, flight in year[year.date > "2013-01-01"].sample(50, random_state=4).iterrows():
        age = (flight.date - year.date).dt.days
        before = year[(year[key] == flight[key]) & (age >= 1) & (age <= days)].late.mean()
        assert flight[column] == pytest.approx(float("nan") if pd.isna(before) else before, nan_ok=True)


def test_a_second_call_rebuilds_only_what_is_missing(few_flights, tmp_path):
    build.write_spans(few_flights, tmp_path)
    untouched = (tmp_path / "2013-01" / "flights.parquet").stat().st_mtime_ns
    (tmp_path / "2013-02" / "flights.parquet").unlink()
    (tmp_path / "2013-02").rmdir()
    assert [month.span for month in build.write_spans(few_flights, tmp_path)] == ["2013-02"]
    assert (tmp_path / "2013-01" / "flights.parquet").stat().st_mtime_ns == untouched
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2013-01", "2013-02", "2013-03", "2013-04"]


def test_a_folder_that_cannot_be_written_is_named(capsys):
    assert build.main(["--folder", "/proc/spans"]) == 1
    assert "/proc/spans" in capsys.readouterr().out
