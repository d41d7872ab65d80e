"""LightGBM with settings that Optuna finds on the held-out rows within so many seconds."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss

from tests.benchmarks.quality.columns import as_categories, labels
from tests.benchmarks.quality.peers import SAME_EACH_TIME, SEED, SETTING, Model

TREES, PATIENCE = 2000, 50  # at most, and those without a gain on the held-out rows that end a trial


def fit(seconds: float, train: pd.DataFrame, held_out: pd.DataFrame) -> Model:
    """Take the best model of the trials that fit into `seconds`; the first has the setting of the peer that nobody tunes.

    A trial that is under way at the end counts with the trees that it has. The trials are the same each time, and how many of
    them there are depends on the machine.
    """
    import optuna  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ends = time.monotonic() + seconds
    features = as_categories(train)
    rows, held_out_rows = (features(train), labels(train)), (features(held_out), labels(held_out))
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED))
    study.enqueue_trial(SETTING)
    best_loss, best = np.inf, None
    while best is None or time.monotonic() < ends:
        trial = study.ask()
        model = grown(suggested(trial), rows, held_out_rows, ends)
        loss = log_loss(held_out_rows[1], model.predict_proba(held_out_rows[0])[:, 1])
        study.tell(trial, loss)
        if loss < best_loss:
            best_loss, best = loss, model
    saved = best.booster_.model_to_string(num_iteration=best.best_iteration_).encode()
    return Model(lambda unseen: best.predict_proba(features(unseen))[:, 1], len(saved))


def within(seconds: float) -> Callable[[pd.DataFrame, pd.DataFrame], Model]:
    """Return `fit` for so many seconds."""
    return partial(fit, seconds)


def suggested(trial: Any) -> dict[str, Any]:
    """Have a trial choose a setting."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 7, 127, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 20, 500, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.2, 1.0),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 100.0, log=True),
    }


def grown(setting: dict[str, Any], rows: tuple, held_out: tuple, ends: float) -> Any:
    """Train trees until the held-out rows gain no more, or until `ends`, a time of the monotonic clock."""
    import lightgbm  # noqa: PLC0415

    def stop_in_time(environment: Any) -> None:
        if time.monotonic() > ends:
            raise lightgbm.callback.EarlyStopException(environment.iteration, environment.evaluation_result_list)

    model = lightgbm.LGBMClassifier(n_estimators=TREES, subsample_freq=1, **setting, **SAME_EACH_TIME)
    callbacks = [lightgbm.early_stopping(PATIENCE, verbose=False), stop_in_time]
    return model.fit(*rows, eval_set=[held_out], eval_metric="binary_logloss", callbacks=callbacks)
