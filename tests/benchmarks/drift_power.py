"""What the DriftMonitor's checks find, and how often they cry wolf, on real months. Run: `make bench-drift`.

(a) False alarms: two random halves of one month have nothing to tell apart. (b) Power: one change at a time is planted in one
of two halves. (c) The real year: each month against the month before, as a table and a heat map. The limits in `[drift]` of
pipeline/config.toml are chosen from (a) and (b). The model that scores is the pipeline's own, trained on January to March.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import pyarrow as pa
import tfx  # noqa: F401 (TFDV imports only behind it)
from rich.console import Console
from rich.table import Table
from tensorflow_data_validation import StatsOptions
from tensorflow_data_validation.statistics import stats_impl

from components.drift_monitor import data_drift, observe, performance
from components.drift_monitor.executor import without
from components.shared import scored_rows
from components.shared.drift_report import Check
from components.shared.tasks import BINARY, SCORE_BUCKETS
from components.span_example_gen.columns import ARROW_TYPES, conform
from pipeline import config as configuration
from pipeline.config import Config
from pipeline.dag import HISTOGRAM_BUCKETS
from pipeline.model.schema import read
from pipeline.problem import Kind
from tests.benchmarks.quality.network import scores, train
from tests.flights import COLUMNS, FEATURES, LABEL
from tests.lists import as_lists

MONTHS = [f"2013-{month:02}" for month in range(4, 13)]
TRAINED_ON = "2013-03"
SCHEMA = pa.schema([(name, ARROW_TYPES[dtype]) for name, dtype in COLUMNS.items()])
NUMBERS = [feature.name for feature in FEATURES if feature.kind in (Kind.NUMERIC, Kind.CYCLIC, Kind.SHARE)]
FOUND = 0.95  # share of draws in which a change must be found to count as one that is


@dataclass(frozen=True)
class Sample:
    """Rows with the scores that the model gives them."""

    rows: pd.DataFrame
    scores: np.ndarray

    def take(self, index: np.ndarray) -> "Sample":
        return Sample(self.rows.iloc[index], self.scores[index])

    @property
    def scored(self) -> scored_rows.Scored:
        return scored_rows.Scored(self.rows[LABEL].to_numpy("float32"), self.scores)


@dataclass(frozen=True)
class Change:
    """One planted change: `plant` takes the rows and returns them changed; `prepare` is done to both halves before."""

    name: str
    size: float
    feature: str
    plant: Callable[[pd.DataFrame], pd.DataFrame]
    prepare: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows


class Bench:
    """Compares samples as the DriftMonitor does."""

    def __init__(self, config: Config, model: Path):
        self._drift = config.drift
        self._schema = read(Path(config.data.schema_file))
        self._model = model

    def score(self, rows: pd.DataFrame) -> Sample:
        return Sample(rows, scores(self._model, rows))

    def statistics(self, rows: pd.DataFrame, within: observe.Ranges | None = None):
        """TFDV's statistics; with the reference's ranges, those that the DriftMonitor compares with it."""
        table = pa.RecordBatch.from_pandas(rows[list(COLUMNS)], preserve_index=False)
        batch = as_lists(conform(table, SCHEMA))
        options = StatsOptions(num_histogram_buckets=HISTOGRAM_BUCKETS)
        if within is None:
            return stats_impl.generate_statistics_in_memory(batch, options)
        ends = observe.anchors(self._schema, within)
        bounded = pa.Table.from_batches([observe.bounded(batch, within)])
        both = pa.concat_tables([bounded, pa.Table.from_batches([ends])], promote_options="default").combine_chunks()
        return observe.without_anchors(stats_impl.generate_statistics_in_memory(both.to_batches()[0], options), within)

    def compare(self, reference: Sample, current: Sample) -> list[Check]:
        before = self.statistics(reference.rows)
        now = self.statistics(current.rows, observe.ranges(before))
        limits = data_drift.DataLimits(**self._drift.limits("categorical", "numeric", "missing", "values"))
        checks = data_drift.compare("data", before, now, without(self._schema, LABEL), limits)
        return checks + self.compare_model(reference, current)

    def compare_model(self, reference: Sample, current: Sample) -> list[Check]:
        limits = performance.ModelLimits(**self._drift.limits(*performance.ModelLimits.__dataclass_fields__))
        old, new = reference.scored, current.scored
        histogram, _ = np.histogram(old.scores, SCORE_BUCKETS, (0, 1))
        published = {each.key: old.metrics()[each.name] for each in BINARY.metrics}
        return [
            performance.label(new.labels.sum(), len(new.labels), old.labels.mean(), len(old.labels), limits.label),
            performance.prediction(new.scores, histogram.tolist(), limits.prediction),
            *performance.concept(BINARY, new, published, len(old.labels), limits),
        ]


def halves(month: Sample, seed: int) -> tuple[Sample, Sample]:
    """Two random halves, each in the order of time."""
    is_first = np.random.default_rng(seed).random(len(month.rows)) < 0.5
    return month.take(np.flatnonzero(is_first)), month.take(np.flatnonzero(~is_first))


def false_alarms(bench: Bench, months: dict[str, Sample], draws: int) -> pd.DataFrame:
    """A row a check of each draw."""
    rows = []
    for draw in range(draws):
        month = MONTHS[draw % len(MONTHS)]
        for check in bench.compare(*halves(months[month], draw)):
            rows.append(flat(check) | {"draw": draw})
    return pd.DataFrame(rows)


def flat(check: Check) -> dict[str, object]:
    return {
        **check.model_dump(include={"kind", "feature", "measure", "value", "limit"}),
        "fires": check.verdict != "stable",
    }


def changes(month: pd.DataFrame) -> Iterator[Change]:
    """Everything that is planted, one at a time."""
    for carrier, share in month.carrier.value_counts(normalize=True).items():
        rounded = float(f"{share:.0e}")  # so that months have sizes in common
        yield Change("airline vanishes", rounded, "carrier", partial(vanish, carrier=carrier))
    for share in (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02):
        yield Change("new airport", share, "dest", partial(replace, feature="dest", share=share, value="ZZZ"))
    for feature in ("temp", "dewp"):
        yield Change("°F becomes °C", 1.0, feature, partial(to_celsius, feature=feature))
    for feature in NUMBERS:
        for size in (0.05, 0.1, 0.25, 0.5, 1.0):
            yield Change("shift, sd", size, feature, partial(shift, feature=feature, size=size))
    for feature in ("temp", "seats", "wind_gust", "carrier"):
        for share in (0.12, 0.15, 0.2, 0.4):
            plant = partial(lose, feature=feature, share=share)
            yield Change("10 % missing becomes", share, feature, plant, partial(lose, feature=feature, share=0.1))
    for share in (0.01, 0.02, 0.05, 0.1):
        yield Change("labels flipped", share, "", partial(flip, share=share))


def vanish(rows: pd.DataFrame, carrier: str) -> pd.DataFrame:
    return rows[rows.carrier != carrier]


def replace(rows: pd.DataFrame, feature: str, share: float, value: str) -> pd.DataFrame:
    return rows.assign(**{feature: rows[feature].mask(chosen(rows, share), value)})


def to_celsius(rows: pd.DataFrame, feature: str) -> pd.DataFrame:
    return rows.assign(**{feature: (rows[feature] - 32) / 1.8})


def shift(rows: pd.DataFrame, feature: str, size: float) -> pd.DataFrame:
    column = rows[feature].astype("float64")
    return rows.assign(**{feature: column + size * column.std()})


def lose(rows: pd.DataFrame, feature: str, share: float) -> pd.DataFrame:
    """Makes `share` of the rows miss the feature, those that do already included: fills what is missing first."""
    filled = rows[feature].fillna(rows[feature].mode().iloc[0])
    return rows.assign(**{feature: filled.mask(chosen(rows, share))})


def flip(rows: pd.DataFrame, share: float) -> pd.DataFrame:
    return rows.assign(**{LABEL: rows[LABEL].mask(chosen(rows, share), 1 - rows[LABEL])})


def chosen(rows: pd.DataFrame, share: float) -> np.ndarray:
    return np.random.default_rng(len(rows)).random(len(rows)) < share


def power(bench: Bench, months: dict[str, Sample], draws: int, console: Console) -> pd.DataFrame:
    """A row a change and draw: whether a check of the changed feature fires; of the label or the model if labels changed."""
    rows = []
    for draw in range(draws):
        name = MONTHS[draw * 2 % len(MONTHS)]
        first, second = halves(months[name], 1000 + draw)
        console.print(f"  draw {draw + 1} of {draws}, {name}")
        for change in changes(months[name].rows):
            before = Sample(change.prepare(first.rows), first.scores)
            changed = change.plant(second.rows)
            kept = np.isin(second.rows.index, changed.index)
            checks = bench.compare(before, Sample(changed, second.scores[kept]))
            fired = {check.measure for check in checks if check.verdict != "stable" and concerns(check, change)}
            rows.append(
                {"change": change.name, "feature": change.feature, "size": change.size, "draw": draw, "by": sorted(fired)}
            )
    return pd.DataFrame(rows)


def concerns(check: Check, change: Change) -> bool:
    """Whether the check is one that has to notice the change."""
    return check.feature == change.feature if change.feature else check.kind in ("label", "concept")


def real_year(bench: Bench, months: dict[str, Sample], first: Sample) -> pd.DataFrame:
    """A row a check of each month against the month before."""
    rows = []
    before = first
    for name, month in months.items():
        rows += [flat(check) | {"month": name} for check in bench.compare(before, month)]
        before = month
    return pd.DataFrame(rows)


def alarms_table(alarms: pd.DataFrame) -> Table:
    table = Table("measure", title="(a) False alarms: random halves of one month")
    for heading in ("checks", "fired", "share", "largest value", "limit"):
        table.add_column(heading, justify="right")
    for (kind, measure), group in alarms.groupby(["kind", "measure"]):
        limit = "" if kind == "concept" else f"{group.limit.iloc[0]:g}"
        largest = "" if kind in ("concept", "label") else f"{group.value.max():.4f}"
        table.add_row(
            f"{kind}: {measure}", f"{len(group):,}", f"{group.fires.sum()}", f"{group.fires.mean():.2%}", largest, limit
        )
    table.add_section()
    table.add_row("all", f"{len(alarms):,}", f"{alarms.fires.sum()}", f"{alarms.fires.mean():.2%}", "", "")
    return table


def power_table(found: pd.DataFrame) -> Table:
    table = Table("change", "feature", title="(b) Power: share of draws in which a planted change is found")
    table.add_column("share found, by size")
    table.add_column("smallest found", justify="right")
    for (change, feature), group in found.groupby(["change", "feature"], sort=False):
        by_size = group.groupby("size").by.apply(lambda fired: fired.map(bool).mean()).sort_index()
        sizes = ", ".join(f"{size:.4g}: {share:.0%}" for size, share in by_size.items())
        small = smallest(by_size.items())
        table.add_row(change, feature, sizes, "-" if small is None else f"{small:.4g}")
    return table


def smallest(by_size: Iterable[tuple[float, float]]) -> float | None:
    """The smallest size from which on every one is found."""
    result = None
    for size, share in sorted(by_size, reverse=True):
        if share < FOUND:
            break
        result = size
    return result


def year_table(year: pd.DataFrame) -> Table:
    table = Table("month", title="(c) The real year: each month against the month before")
    for heading in ("checks", "fired", "features that drifted most, in limits"):
        table.add_column(heading, justify="left" if "most" in heading else "right")
    for month, group in year.groupby("month"):
        most = (
            group[(group.feature != "") & group.fires].assign(times=lambda rows: rows.value / rows.limit).nlargest(4, "times")
        )
        names = ", ".join(f"{row.feature} {row.times:.0f}" for row in most.itertuples())
        model = ", ".join(group[(group.feature == "") & group.fires].measure)
        table.add_row(str(month), str(len(group)), str(group.fires.sum()), names + (f"; {model}" if model else ""))
    return table


def heat_map(year: pd.DataFrame, path: Path) -> None:
    """Features by months: the distance in limits, on a log scale; a dot where a check fires."""
    distances = year[year.measure.isin([data_drift.L_INFINITY, data_drift.JENSEN_SHANNON])]
    distances = distances.assign(
        limits=distances.value / distances.limit,
        feature=distances.feature.where(distances.feature != "", "(the model's scores)"),
    )
    base = alt.Chart(distances).encode(x=alt.X("month:O", title=None), y=alt.Y("feature:N", title=None))
    color = alt.Color("limits:Q", title="distance, in limits").scale(type="symlog", scheme="yelloworangered")
    text = base.mark_text(fontSize=9).encode(text=alt.Text("limits:Q", format=".1f"))
    chart = (base.mark_rect().encode(color=color) + text).properties(
        width=560, height=480, title="Each month of 2013 against the month before"
    )
    chart.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"), help="folder for results and runs")
    parser.add_argument("--alarms", type=int, default=50, help="draws of (a)")
    parser.add_argument("--draws", type=int, default=9, help="draws of (b), each with every change")
    parser.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="override a setting")
    options = parser.parse_args()
    config = configuration.load(overrides=[*options.set, f"run.root={options.out / 'drift_power'}"])
    console = Console(width=160)
    folder = Path(config.data.spans)
    first = pd.read_parquet(folder / TRAINED_ON)
    saved_model = train(config, TRAINED_ON).saved_model
    bench = Bench(config, saved_model)
    months = {month: bench.score(pd.read_parquet(folder / month)) for month in MONTHS}
    alarms = false_alarms(bench, months, options.alarms)
    console.print(alarms_table(alarms))
    found = power(bench, months, options.draws, console)
    console.print(power_table(found))
    year = real_year(bench, months, bench.score(first))
    console.print(year_table(year))
    heat_map(year, options.out / "drift_year.svg")
    for name, rows in (("alarms", alarms), ("power", found), ("year", year)):
        rows.to_json(options.out / f"drift_{name}.json", orient="records", indent=1)
    console.print(f"Heat map: {options.out / 'drift_year.svg'}")


if __name__ == "__main__":
    sys.exit(main())
