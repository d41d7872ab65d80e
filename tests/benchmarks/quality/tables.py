"""The figures as tables: for the terminal, and as Markdown for the README."""

from pathlib import Path

import altair as alt
import pandas as pd
from rich.table import Table

from tests.benchmarks.quality.compared import METRICS, Difference, firsts

KB = 1000


def summary(results: pd.DataFrame, differences: dict[str, dict[str, Difference]]) -> pd.DataFrame:
    """Return a row a model: means, how often it is first, its differences to the network, what it costs. All texts."""
    means = results.groupby("model", sort=False).mean(numeric_only=True)
    first = firsts(results)
    rows = []
    for model, values in means.iterrows():
        row = {"": model} | {metric: f"{values[metric]:.4f}" for metric in METRICS}
        row["months first"] = ", ".join(str(first.loc[model, metric]) for metric in METRICS)
        for metric, found in differences.items():
            row[f"{metric} against the network's"] = str(found.get(model, ""))
        row["seconds"] = f"{values['seconds']:.1f}"
        row["KB"] = f"{values['bytes'] / KB:,.0f}"
        if pd.notna(values["server_bytes"]):
            row["KB"] += f" ({values['server_bytes'] / KB:,.0f} on a server)"
        rows.append(row)
    return pd.DataFrame(rows)


def by_month(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return a row a model, a column a month. All texts."""
    months = results.pivot_table(index="model", columns="month", values=metric, sort=False)
    return months.map("{:.4f}".format).reset_index().rename(columns={"model": metric}).rename_axis(None, axis="columns")


def for_terminal(table: pd.DataFrame, title: str) -> Table:
    shown = Table(title=title)
    for name in table.columns:
        shown.add_column(name, justify="right" if shown.columns else "left")
    for row in table.itertuples(index=False):
        shown.add_row(*row)
    return shown


def markdown(table: pd.DataFrame) -> str:
    """Return a Markdown table without its heading."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.itertuples(index=False)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def plot(results: pd.DataFrame, path: Path) -> None:
    """Draw each metric over the months, a line a model."""
    long = results.melt(["month", "model"], METRICS, "metric", "value")
    lines = alt.Chart(long).mark_line(point=True).encode(x="month:O", y=alt.Y("value:Q").scale(zero=False), color="model:N")
    chart = lines.properties(width=320, height=180).facet(facet=alt.Facet("metric:N", sort=METRICS, title=None), columns=2)
    chart.resolve_scale(y="independent").save(path)
