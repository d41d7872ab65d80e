"""Holds the network against its strongest peers: each month from April to December, learned from the months before it.

All models get the same rows and the same raw features, and none of them sees the month that it is measured on. The network is
what the pipeline's own nodes make of them; the peers are those of `quality/`. Run: `make bench-quality`.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from components.shared import spans
from pipeline import config as configuration
from pipeline.config import Config
from tests.benchmarks.quality import network, peers, tabm_peer, tuned
from tests.benchmarks.quality.columns import labels
from tests.benchmarks.quality.compared import METRICS, NETWORK, Month, differences, firsts, measure, verdict
from tests.benchmarks.quality.peers import Peer
from tests.benchmarks.quality.tables import by_month, for_terminal, markdown, plot, summary
from tests.flights import DATE

MONTHS = [f"2013-{month:02}" for month in range(4, 13)]
CONSOLE = Console(width=220)
TIMES = [1.0, 10.0]  # the network's seconds, that LightGBM is tuned for


def all_peers(times: list[float], seconds: float = 0.0) -> list[Peer]:
    """List the peers; LightGBM is tuned for each of `times` the `seconds` that the network took to train."""
    return [
        Peer("base rate", peers.base_rate),
        Peer("logistic regression", peers.logistic_regression),
        Peer("LightGBM", peers.light, ("lightgbm",)),
        *(Peer(f"LightGBM tuned {each:g}x", tuned.within(each * seconds), ("lightgbm", "optuna")) for each in times),
        Peer("HistGradientBoosting", peers.histogram),
        Peer("XGBoost", peers.extreme, ("xgboost",)),
        Peer("CatBoost", peers.ordered, ("catboost",)),
        Peer("TabM", tabm_peer.fit, ("tabm", "torch")),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"), help="folder for results and runs")
    parser.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="override a setting")
    parser.add_argument("--months", nargs="+", default=MONTHS, choices=MONTHS, metavar="YYYY-MM")
    parser.add_argument("--window", type=int, help="months to learn from, or as many as there are: 12 takes all so far")
    parser.add_argument("--tuned", nargs="*", type=float, default=TIMES, metavar="TIMES", help="the network's seconds (1 10)")
    options = parser.parse_args()
    root = options.out / "model_quality"
    load = partial(configuration.load, overrides=[*options.set, f"run.root={root}"])
    size = options.window or load().data.window
    left_out = {peer.name: peer.missing for peer in all_peers(options.tuned) if peer.missing}
    for name, missing in left_out.items():
        CONSOLE.print(f"Left out: {name}, as these packages are not installed: {', '.join(missing)}.")
    results, months = [], []
    for month in options.months:
        shutil.rmtree(root, ignore_errors=True)  # a node that is taken from a cache trains nothing
        window = window_before(load(), month, size)
        config = load(overrides=[*options.set, f"run.root={root}", f"data.window={len(window)}"])
        rows, answered = replay(config, window, month, options.tuned)
        results += rows
        months.append(answered)
        CONSOLE.print(month, *(f"{row['model']} {row['AUC']:.4f} {row['log loss']:.4f};" for row in rows))
        write(options.out / f"model_quality_{size}", size, pd.DataFrame(results), months, left_out)


def window_before(config: Config, month: str, size: int) -> list[str]:
    """List the months that a model learns from: `size` of them, or those that there are."""
    return [span for span in spans.available(Path(config.data.spans), config.data.unit) if span < month][-size:]


def replay(config: Config, window: list[str], month: str, times: list[float]) -> tuple[list[dict], Month]:
    """Have each model learn from a window and answer for a month. Returns a row a model, and the answers."""
    months = {span: pd.read_parquet(Path(config.data.spans) / span) for span in [*window, month]}
    history, unseen = pd.concat([months[span] for span in window]), months[month]
    evaluated_from = config.data.unit.evaluated_from(window[-1], config.data.eval_days, config.data.eval_spans)
    is_held_out = pd.to_datetime(history[DATE]) >= evaluated_from
    train, held_out = history[~is_held_out], history[is_held_out]
    rows, answers, truth = [], {}, labels(unseen)
    for name, found, cost in answered(config, window[-1], (train, held_out, unseen), times):
        answers[name] = found
        rows.append({"month": month, "model": name, **measure(truth, found), **cost})
    days = pd.to_datetime(unseen[DATE]).dt.dayofyear.to_numpy()
    return rows, Month(truth, days, answers)


def answered(
    config: Config, newest: str, rows: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], times: list[float]
) -> Iterator[tuple[str, np.ndarray, dict]]:
    """Yield each model's name, its probabilities of the unseen rows, and what it costs."""
    train, held_out, unseen = rows
    ours = network.train(config, newest, network.LAST_NODE)
    size = ours.phone_file.stat().st_size if ours.phone_file else ours.server_bytes
    cost = {"seconds": ours.seconds, "bytes": size, "server_bytes": ours.server_bytes}
    yield NETWORK, network.scores(ours.saved_model, unseen), cost
    for peer in all_peers(times, ours.seconds):
        if not peer.missing:
            begun = time.monotonic()
            model = peer.fit(train, held_out)
            seconds = time.monotonic() - begun
            yield peer.name, model.score(unseen), {"seconds": seconds, "bytes": model.bytes, "server_bytes": None}


def write(path: Path, size: int, results: pd.DataFrame, months: list[Month], left_out: dict[str, list[str]]) -> None:
    """Print what came of the months so far, and write it: JSON, Markdown and a chart, `path` with the ending of each."""
    found = differences(months)
    table, verdicts = summary(results, found), [verdict(metric, each) for metric, each in found.items()]
    learned = f"each learned from the {size} months before it, or as many as there are"
    title = f"Means of {', '.join(results.month.unique())}, {learned}; months first by {', '.join(METRICS)}"
    CONSOLE.print(for_terminal(table, title), *verdicts, sep="\n")
    missing = [f"{name} was left out: not installed: {', '.join(packages)}." for name, packages in left_out.items()]
    pieces = [title, markdown(table), *verdicts, *missing, *(markdown(by_month(results, metric)) for metric in METRICS)]
    path.with_suffix(".md").write_text("\n\n".join(piece.strip() for piece in pieces) + "\n", encoding="utf-8")
    content = {
        "window": size,
        "results": json.loads(results.to_json(orient="records")),
        "means": json.loads(results.groupby("model")[METRICS].mean().to_json(orient="index")),
        "months first": json.loads(firsts(results).to_json(orient="index")),
        "differences": {metric: {name: asdict(one) for name, one in each.items()} for metric, each in found.items()},
        "verdicts": verdicts,
        "left out": left_out,
    }
    path.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    plot(results, path.with_suffix(".svg"))


if __name__ == "__main__":
    sys.exit(main())
