"""Train LightGBM with its defaults on the first window: the bar that the first run's model is held against."""

import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.problem import Kind, of_kind

SECONDS = 120  # of training, at most
ROWS = 2_000_000  # of training, at most: they are held in memory


def auc(config: Config, span: str) -> tuple[float, float, bool] | None:
    """Train on the window that ends with `span`, and score its evaluation days: the split that `make run` uses.

    Categories are LightGBM's own, and the round is its default; nothing is tuned, and nothing stops early but for time.

    Returns:
        The AUC, the seconds, and whether time ended it; None where LightGBM, a dependency of development, is not installed.
    """
    if not find_spec("lightgbm"):
        return None
    import lightgbm  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    from pipeline.adoption import ranking  # noqa: PLC0415

    unit = config.data.unit
    window = unit.window(span, config.data.window)
    rows = pd.concat([pd.read_parquet(Path(config.spans_folder, each)) for each in window], ignore_index=True)
    for feature in of_kind(config.problem.features, Kind.CATEGORICAL):
        rows[feature.name] = rows[feature.name].astype("category")
    is_eval = pd.to_datetime(rows[config.problem.date]) >= unit.evaluated_from(
        span, config.data.eval_days, config.data.eval_spans
    )
    train, held = rows[~is_eval], rows[is_eval]
    train = train.sample(min(len(train), ROWS), random_state=1)
    names, label = list(config.problem.declared), config.problem.label
    begun, ended_by_time = time.monotonic(), []

    def stop(environment: Any) -> None:
        if time.monotonic() - begun > SECONDS:
            ended_by_time.append(True)
            raise lightgbm.callback.EarlyStopException(environment.iteration, [])

    model = lightgbm.LGBMClassifier(random_state=1, verbose=-1)
    model.fit(train[names], train[label], callbacks=[stop])
    log_odds = pd.Series(model.predict(held[names], raw_score=True), index=held.index)
    return ranking.auc(log_odds, held[label]), time.monotonic() - begun, bool(ended_by_time)
