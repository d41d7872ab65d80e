"""Holds the network against boosted trees: each month from April to December, learned from the three months before it.

All three models get the same rows and the same raw features. The network is what the pipeline's own nodes make of them; the
trees take categories natively and stop early on the evaluation split, which the network never sees. None of them sees the month
that it is measured on. Run: `make bench-quality` (a quarter of an hour on two cores).
"""

import argparse
import json
import sys
from pathlib import Path

import altair as alt
import lightgbm
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from pipeline import config as configuration
from pipeline.config import Config
from pipeline.problem import Kind
from tests.flights import DATE, FEATURES, LABEL

MONTHS = [f"2013-{month:02}" for month in range(4, 13)]
CATEGORIES = [feature.name for feature in FEATURES if feature.kind is Kind.CATEGORICAL]
METRICS = ["AUC", "AP", "log loss", "ECE"]
BINS = 15
TREES, PATIENCE = 1000, 50


def network(config: Config, span: str) -> Path:
    """Runs the pipeline's nodes up to the Trainer. Returns the folder of the SavedModel."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner  # noqa: PLC0415 (the trees do not need it)
    from tfx.orchestration.pipeline import RunOptions  # noqa: PLC0415

    from pipeline.dag import create_pipeline  # noqa: PLC0415

    Path(config.run.root).mkdir(parents=True, exist_ok=True)
    LocalDagRunner().run(create_pipeline(config, span), RunOptions(to_nodes=["Trainer"]))
    models = Path(config.run.root, "artifacts", "Trainer", "model").iterdir()
    newest = max(models, key=lambda folder: int(folder.name))
    return newest / "Format-Serving"


def scores(saved_model: Path, unseen: pd.DataFrame) -> np.ndarray:
    """The probabilities that a SavedModel's `raw` signature gives to raw rows."""
    import tensorflow as tf  # noqa: PLC0415

    score = tf.saved_model.load(str(saved_model)).signatures["raw"]
    columns = {f.name: unseen[f.name].fillna("").to_numpy() if f.name in CATEGORIES else unseen[f.name] for f in FEATURES}
    pieces = np.array_split(np.arange(len(unseen)), 10)
    return np.concatenate(
        [
            score(**{f.name: tf.constant(np.asarray(columns[f.name])[rows], f.dtype) for f in FEATURES})["probability"]
            for rows in pieces
        ]
    )


def boosted_trees(train: pd.DataFrame, held_out: pd.DataFrame, unseen: pd.DataFrame) -> dict[str, np.ndarray]:
    """The unseen rows' probabilities by both libraries, each with its number of trees chosen on the held-out rows."""
    known = {name: sorted(train[name].dropna().unique()) for name in CATEGORIES}

    def features(rows: pd.DataFrame) -> pd.DataFrame:
        columns = {f.name: rows[f.name].astype("float64") for f in FEATURES if f.name not in CATEGORIES}
        return pd.DataFrame(columns | {name: pd.Categorical(rows[name], known[name]) for name in CATEGORIES})

    inputs = [features(rows.reset_index(drop=True)) for rows in (train, held_out, unseen)]
    labels = [rows[LABEL].astype(int).to_numpy() for rows in (train, held_out)]
    # Small trees and slow learning, stopped early: larger ones on few of the columns, without a stop, rank better.
    light = lightgbm.LGBMClassifier(
        n_estimators=TREES, learning_rate=0.03, num_leaves=15, min_child_samples=100, verbose=-1, random_state=1
    )
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    light.fit(inputs[0], labels[0], eval_set=[(inputs[1], labels[1])], eval_metric="binary_logloss", callbacks=[stop])
    # This release of scikit-learn stops early on random rows only: take the best of its stages instead.
    histogram = HistGradientBoostingClassifier(
        max_iter=TREES // 2,
        learning_rate=0.03,
        max_leaf_nodes=15,
        min_samples_leaf=100,
        early_stopping=False,
        categorical_features=CATEGORIES,
        random_state=1,
    )
    histogram.fit(inputs[0], labels[0])
    losses = [log_loss(labels[1], stage[:, 1]) for stage in histogram.staged_predict_proba(inputs[1])]
    stages = histogram.staged_predict_proba(inputs[2])
    best = next(stage for index, stage in enumerate(stages) if index == int(np.argmin(losses)))
    return {"LightGBM": light.predict_proba(inputs[2])[:, 1], "HistGradientBoosting": best[:, 1]}


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean distance of the share of positives from the mean probability, over BINS bins of equally many rows."""
    bins = np.array_split(np.argsort(probabilities, kind="stable"), BINS)
    return float(sum(abs(labels[rows].mean() - probabilities[rows].mean()) * len(rows) for rows in bins) / len(labels))


def measure(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    probabilities = np.clip(probabilities.astype("float64"), 1e-7, 1 - 1e-7)
    values = (
        roc_auc_score(labels, probabilities),
        average_precision_score(labels, probabilities),
        log_loss(labels, probabilities),
        expected_calibration_error(labels, probabilities),
    )
    return dict(zip(METRICS, map(float, values), strict=True))


def replay(config: Config, month: str) -> list[dict[str, object]]:
    """A row a model: how well the window before `month` tells what will be in it."""
    folder = Path(config.data.spans)
    *window, _ = config.data.unit.window(month, config.data.window + 1)
    months = {span: pd.read_parquet(folder / span) for span in [*window, month]}
    history = pd.concat([months[span] for span in window])
    evaluated_from = config.data.unit.evaluated_from(window[-1], config.data.eval_days, config.data.eval_spans)
    held_out = pd.to_datetime(history[DATE]) >= evaluated_from
    unseen = months[month]
    probabilities = {"network": scores(network(config, window[-1]), unseen)}
    probabilities |= boosted_trees(history[~held_out], history[held_out], unseen)
    labels = unseen[LABEL].astype(int).to_numpy()
    return [{"month": month, "model": model, **measure(labels, scores)} for model, scores in probabilities.items()]


def show(results: pd.DataFrame) -> Table:
    table = Table("month", title="Months never seen, learned from the three before")
    models = list(results.model.unique())
    for metric in METRICS:
        for model in models:
            table.add_column(f"{metric}\n{model.replace('GradientBoosting', '')}", justify="right")
    by_month = results.set_index(["month", "model"])[METRICS]
    means = results.groupby("model")[METRICS].mean()
    for month in results.month.unique():
        table.add_row(month, *(f"{by_month.loc[(month, model), metric]:.4f}" for metric in METRICS for model in models))
    table.add_section()
    table.add_row("mean", *(f"{means.loc[model, metric]:.4f}" for metric in METRICS for model in models))
    return table


def plot(results: pd.DataFrame, path: Path) -> None:
    long = results.melt(["month", "model"], METRICS, "metric", "value")
    lines = alt.Chart(long).mark_line(point=True).encode(x="month:O", y=alt.Y("value:Q").scale(zero=False), color="model:N")
    chart = lines.properties(width=320, height=180).facet(facet=alt.Facet("metric:N", sort=METRICS, title=None), columns=2)
    chart.resolve_scale(y="independent").save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"), help="folder for results and runs")
    parser.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="override a setting")
    parser.add_argument("--months", nargs="+", default=MONTHS, choices=MONTHS, metavar="YYYY-MM")
    options = parser.parse_args()
    config = configuration.load(overrides=[*options.set, f"run.root={options.out / 'model_quality'}"])
    console = Console(width=200)
    rows: list[dict[str, object]] = []
    for month in options.months:
        rows += replay(config, month)
        console.print(month, *(f"{row['model']} {row['AUC']:.4f} {row['log loss']:.4f} {row['ECE']:.4f}" for row in rows[-3:]))
    results = pd.DataFrame(rows)
    results.to_json(options.out / "model_quality.json", orient="records", indent=2)
    plot(results, options.out / "model_quality.svg")
    console.print(show(results))
    means = results.groupby("model")[METRICS].mean()
    (options.out / "model_quality_means.json").write_text(json.dumps(means.to_dict(orient="index"), indent=2))


if __name__ == "__main__":
    sys.exit(main())
