"""The benchmark's results as Markdown tables and as a plot."""

from pathlib import Path

import altair as alt
import pandas as pd

from tests.benchmarks import pipeline_profile
from tests.benchmarks.pipeline_bars import Bar, speed_bars, start_bars
from tests.benchmarks.pipeline_rows import SIZES

MATCHES = {"CsvExampleGen": "SpanExampleGen", "SchemaGen": "ImportSchemaGen", "Pusher": "Publisher"}  # stock, ours
TITLES = {"stock": "stock", "nodes": "ours, same nodes", "whole": "ours, whole"}
IMPORTS, REST = "imports", "between and after nodes"
FIGURES = ["seconds", "cpu_seconds", "peak_mb"]


def run_table(results: dict) -> pd.DataFrame:
    """Medians by size and pipeline: `rows`, `seconds`, `cpu_seconds`, `peak_mb` and the number of `runs`."""
    runs = _ordered(pd.DataFrame(results["runs"]).drop(columns="nodes"))
    medians = runs.groupby(["size", "pipeline"], observed=True)[["rows", *FIGURES]].median()
    return medians.assign(runs=runs.groupby(["size", "pipeline"], observed=True).size())


def node_table(results: dict) -> pd.DataFrame:
    """Medians by size, node (a stock one under the name of ours) and pipeline: `seconds`, `cpu_seconds`, `peak_mb`."""
    rows = []
    for run in results["runs"]:
        key = {name: run[name] for name in ("size", "pipeline")}
        rows.append(key | {"node": IMPORTS, "seconds": run["import_seconds"]})
        rows += [key | {"node": MATCHES.get(node, node)} | figures for node, figures in run["nodes"].items()]
        inside = sum(figures["seconds"] for figures in run["nodes"].values())
        rows.append(key | {"node": REST, "seconds": run["seconds"] - run["import_seconds"] - inside})
    order = list(dict.fromkeys(row["node"] for row in sorted(rows, key=lambda row: row["pipeline"] != "whole")))
    table = _ordered(pd.DataFrame(rows)).assign(node=lambda each: pd.Categorical(each.node, order, ordered=True))
    return table.groupby(["size", "node", "pipeline"], observed=True)[FIGURES].median()


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    orders = {"size": list(SIZES), "pipeline": list(TITLES)}
    return table.astype({name: pd.CategoricalDtype(order, ordered=True) for name, order in orders.items()})


def bars(results: dict) -> list[Bar]:
    """Every bar for which there are measurements."""
    found = speed_bars(node_table(results), run_table(results)) if results["runs"] else []
    return found + (start_bars(results["starts"]) if results["starts"] else [])


def markdown(results: dict) -> str:
    """Bars, pipelines, nodes, equality, profiles."""
    parts = [f"Commit {results['commit']}; {results['machine']}.", table([vars(bar) for bar in bars(results)])]
    if results["runs"]:
        runs = run_table(results).reset_index()
        parts.append(table([_run_row(run) for _, run in runs.iterrows()]))
        names = ", ".join(f"{stock} as {ours}" for stock, ours in MATCHES.items())
        parts.append(f"Below, stock nodes have the names of ours: {names}.\n")
        for size, nodes in node_table(results).groupby(level="size", observed=True):
            rows = runs.loc[runs["size"] == size, "rows"].iloc[0]
            parts.append(f"Nodes, {rows:,.0f} rows ({size}):\n\n{table(_node_rows(nodes.droplevel('size'), rows))}")
    for size, compared in results["equality"].items():
        lines = [
            {"what": each["what"], "values": f"{each['values']:,}", "differences": each["differences"]} for each in compared
        ]
        parts.append(f"The same of the same rows, stock and ours ({size}):\n\n{table(lines)}")
    if results["starts"]:
        again = [{"run": index, **_start_row(run)} for index, run in enumerate(results["starts"]["runs"], 1)]
        parts.append(f"One span three times, by `pipeline.local_runner`:\n\n{table(again)}")
    if results["profiles"]:
        parts.append(pipeline_profile.markdown(results["profiles"]))
    return "\n".join(parts)


def _run_row(run: pd.Series) -> dict[str, object]:
    return {
        "size": run["size"],
        "rows": f"{run.rows:,.0f}",
        "pipeline": TITLES[run.pipeline],
        "seconds": f"{run.seconds:.1f}",
        "processor seconds": f"{run.cpu_seconds:.1f}",
        "rows a second": f"{run.rows / run.seconds:,.0f}",
        "peak, MB": f"{run.peak_mb:,.0f}",
        "runs": run.runs,
    }


def _node_rows(nodes: pd.DataFrame, rows: float) -> list[dict[str, object]]:
    lines = []
    for node, found in nodes.groupby(level="node", observed=True):
        by_pipeline = found.droplevel("node")
        line: dict[str, object] = {"node": node}
        for pipeline in [name for name in TITLES if name in nodes.index.unique("pipeline")]:
            there = by_pipeline.loc[pipeline] if pipeline in by_pipeline.index else None
            title = TITLES[pipeline]
            line[f"{title}: s"] = "" if there is None else f"{there.seconds:.2f}"
            line[f"{title}: processor s"] = "" if there is None or pd.isna(there.cpu_seconds) else f"{there.cpu_seconds:.2f}"
            line[f"{title}: rows/s"] = "" if there is None or pd.isna(there.peak_mb) else f"{rows / there.seconds:,.0f}"
            line[f"{title}: MB"] = "" if there is None or pd.isna(there.peak_mb) else f"{there.peak_mb:,.0f}"
        lines.append(line)
    return lines


def _start_row(run: dict) -> dict[str, object]:
    ran = ", ".join(f"{node} {seconds:.1f} s" for node, seconds in run["ran"].items())
    return {
        "seconds": f"{run['seconds']:.1f}",
        "first node after, s": f"{run['first_node']:.1f}",
        "cached": len(run["cached"]),
        "ran": ran,
    }


def table(rows: list[dict]) -> str:
    """Markdown; True and False as yes and no."""
    if not rows:
        return ""
    words = {True: "yes", False: "no"}
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[words[value] if isinstance(value, bool) else str(value) for value in row.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plot(results: dict, path: Path) -> None:
    """Seconds and memory against rows, and the nodes' shares of the seconds."""
    runs = run_table(results).reset_index().assign(pipeline=lambda each: each.pipeline.astype(str).map(TITLES))
    nodes = node_table(results).reset_index().assign(pipeline=lambda each: each.pipeline.astype(str).map(TITLES))
    color = alt.Color("pipeline:N", title=None, sort=list(TITLES.values()))
    lines = alt.Chart(runs.astype({"size": str})).mark_line(point=True).properties(width=240, height=180)
    rows = alt.X("rows:Q", title="rows", scale=alt.Scale(type="log"))
    seconds = lines.encode(x=rows, y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="seconds"), color=color)
    memory = lines.encode(x=rows, y=alt.Y("peak_mb:Q", title="peak memory, MB"), color=color)
    stacked = (
        alt.Chart(nodes.astype({"size": str, "node": str}).assign(order=range(len(nodes))))
        .mark_bar()
        .encode(
            x=alt.X("seconds:Q", title="seconds"),
            y=alt.Y("pipeline:N", title=None, sort=list(TITLES.values())),
            color=alt.Color(
                "node:N", title="node", sort=list(dict.fromkeys(nodes.node.astype(str))), scale=alt.Scale(scheme="category20")
            ),
            order="order:O",
            row=alt.Row("size:N", title=None, sort=list(SIZES)),
        )
        .properties(width=540, height=70)
        .resolve_scale(x="independent")
    )
    charts = alt.vconcat(seconds | memory, stacked, title="The pipeline beside stock TFX components, 2 cores")
    charts.resolve_scale(color="independent").save(path)
