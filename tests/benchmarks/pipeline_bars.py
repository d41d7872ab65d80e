"""The bars that the pipeline is held against, as ratios within one benchmark, and what was measured."""

import math
from dataclasses import dataclass

import pandas as pd

from tests.benchmarks.pipeline_starts import ALWAYS_RUN

# Times the stock component's speed that ours must have, at every size.
NODE_BARS = {"SpanExampleGen": 20.0, "StatisticsGen": 2.0, "Transform": 3.0, "Evaluator": 3.0}
PIPELINE_BARS = {"window": 4.0, "year": 6.0}
KB_A_ROW = 0.3
EXPONENT = 1.05
HELP_SECONDS, FIRST_NODE_SECONDS, CACHED_SECONDS = 1.0, 12.0, 25.0


@dataclass(frozen=True)
class Bar:
    """One of them.

    Attributes:
        what: is measured.
        limit: in words.
        found: in words.
        met: whether it is within the limit.
    """

    what: str
    limit: str
    found: str
    met: bool


def speed_bars(nodes: pd.DataFrame, runs: pd.DataFrame) -> list[Bar]:
    """Of what was measured.

    Args:
        nodes: medians; `seconds` and `cpu_seconds` by `size`, `node` (ours) and `pipeline`.
        runs: medians; the same, `rows` and `peak_mb` by `size` and `pipeline`.
    """
    bars = []
    for node, least in NODE_BARS.items():
        for size, ratio in ratios(nodes.xs(node, level="node")).iterrows():
            bars.append(_times(f"{node}, {size}", least, ratio))
    for size, ratio in ratios(runs).iterrows():
        if size in PIPELINE_BARS:
            bars.append(_times(f"the pipeline, the same nodes, {size}", PIPELINE_BARS[str(size)], ratio))
        stock, ours = (float(runs.loc[(size, pipeline), "peak_mb"]) for pipeline in ("stock", "nodes"))
        bars.append(Bar(f"peak memory, {size}", f"at most the stock one's {stock:,.0f} MB", f"{ours:,.0f} MB", ours <= stock))
    return bars + growth_bars(runs)


def ratios(measured: pd.DataFrame) -> pd.DataFrame:
    """`seconds` and `cpu_seconds` of stock over those of our same nodes, by size, where both were measured."""
    by_pipeline = {name: rows.droplevel("pipeline") for name, rows in measured.groupby(level="pipeline", observed=True)}
    if not {"stock", "nodes"} <= by_pipeline.keys():
        return pd.DataFrame()
    return (by_pipeline["stock"] / by_pipeline["nodes"])[["seconds", "cpu_seconds"]].dropna(subset="seconds")


def growth_bars(runs: pd.DataFrame) -> list[Bar]:
    """How time and memory of our same nodes grow from one size to the next larger one."""
    ours = runs[runs.index.get_level_values("pipeline") == "nodes"].droplevel("pipeline").sort_values(by="rows")
    bars = []
    for (smaller, less), (larger, more) in zip(ours.iloc[:-1].iterrows(), ours.iloc[1:].iterrows(), strict=True):
        growth = float((more.peak_mb - less.peak_mb) * 1000 / (more.rows - less.rows))
        what = f"memory from {smaller} to {larger}"
        bars.append(Bar(what, f"less than {KB_A_ROW} KB a row", f"{growth:.2f}", growth < KB_A_ROW))
    if len(ours) > 1:
        less, more = ours.iloc[-2], ours.iloc[-1]
        exponent = math.log(more.seconds / less.seconds) / math.log(more.rows / less.rows)
        what = f"time from {ours.index[-2]} to {ours.index[-1]}: exponent of the rows"
        bars.append(Bar(what, f"at most {EXPONENT}", f"{exponent:.2f}", exponent <= EXPONENT))
    return bars


def start_bars(starts: dict) -> list[Bar]:
    """How soon the command line answers and begins, and a run on unchanged inputs."""
    first, _, unchanged = starts["runs"]
    others = sorted(unchanged["ran"].keys() - ALWAYS_RUN)
    found = f"{unchanged['seconds']:.1f} s; {len(unchanged['cached'])} nodes cached, not cached: {', '.join(others) or 'none'}"
    return [
        Bar("--help", f"under {HELP_SECONDS:g} s", f"{starts['help_seconds']:.2f} s", starts["help_seconds"] < HELP_SECONDS),
        Bar(
            "from start to the first node",
            f"under {FIRST_NODE_SECONDS:g} s",
            f"{first['first_node']:.1f} s",
            first["first_node"] < FIRST_NODE_SECONDS,
        ),
        Bar(
            "a run on unchanged inputs",
            f"under {CACHED_SECONDS:g} s, every node cached that can be",
            found,
            unchanged["seconds"] < CACHED_SECONDS and not others,
        ),
    ]


def _times(what: str, least: float, ratio: pd.Series) -> Bar:
    """Judged by seconds; processor seconds tell what it would be on a machine with nothing else to do."""
    found = f"{ratio.seconds:.1f} times (in processor seconds {ratio.cpu_seconds:.1f})"
    return Bar(what, f"at least {least:g} times as fast as stock", found, bool(ratio.seconds >= least))
