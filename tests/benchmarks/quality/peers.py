"""What the network is held against: each peer learns from rows, and gives probabilities to rows that it never sees before.

A peer's function takes the training rows, and the held-out rows of the evaluation split, from which the network learns nothing;
a peer may choose by them. The rows that it is measured on are given to its model alone. All but those that are tuned for a time
give the same probabilities each time. One setting each, which nobody tuned on this replay.
"""

import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.benchmarks.quality.columns import CATEGORIES, NUMBERS, as_categories, as_texts, labels

SEED = 1
SETTING = {  # of LightGBM: slow learning, large leaves, few of the columns for each tree
    **{"n_estimators": 400, "learning_rate": 0.02, "num_leaves": 31, "min_child_samples": 200},
    **{"colsample_bytree": 0.3, "subsample": 0.8, "subsample_freq": 1, "reg_lambda": 20.0},
}
SAME_EACH_TIME = {"deterministic": True, "force_row_wise": True, "random_state": SEED, "verbose": -1}  # of LightGBM
STAGES = 500  # of HistGradientBoosting, the best of which is taken


@dataclass(frozen=True)
class Model:
    """What a peer made of the rows: `score` gives probabilities to raw rows, `bytes` is the size of the saved file."""

    score: Callable[[pd.DataFrame], np.ndarray]
    bytes: int


@dataclass(frozen=True)
class Peer:
    """A peer, and the packages that it needs beside those of development."""

    name: str
    fit: Callable[[pd.DataFrame, pd.DataFrame], Model]
    packages: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [name for name in self.packages if not find_spec(name)]


def base_rate(train: pd.DataFrame, _: pd.DataFrame) -> Model:
    """Give each row the share of positives."""
    share = float(labels(train).mean())
    return Model(lambda rows: np.full(len(rows), share), len(pickle.dumps(share)))


def logistic_regression(train: pd.DataFrame, _: pd.DataFrame) -> Model:
    """Fit weights of one-hot categories, and of scaled numbers with an indicator of each that may be missing."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), CATEGORIES), (numbers, NUMBERS))
    model = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(as_texts(train), labels(train))
    return Model(lambda rows: model.predict_proba(as_texts(rows))[:, 1], len(pickle.dumps(model)))


def light(train: pd.DataFrame, _: pd.DataFrame) -> Model:
    """Train LightGBM with SETTING, without early stopping."""
    import lightgbm  # noqa: PLC0415

    features = as_categories(train)
    model = lightgbm.LGBMClassifier(**SETTING, **SAME_EACH_TIME).fit(features(train), labels(train))
    saved = model.booster_.model_to_string().encode()
    return Model(lambda rows: model.predict_proba(features(rows))[:, 1], len(saved))


def histogram(train: pd.DataFrame, held_out: pd.DataFrame) -> Model:
    """Train scikit-learn's trees, small ones, and take the best stage on the held-out rows."""
    features = as_categories(train)
    model = HistGradientBoostingClassifier(
        max_iter=STAGES,
        learning_rate=0.03,
        max_leaf_nodes=15,
        min_samples_leaf=100,
        early_stopping=False,  # this release stops early on random rows only
        categorical_features=CATEGORIES,
        random_state=SEED,
    ).fit(features(train), labels(train))
    losses = [log_loss(labels(held_out), stage[:, 1]) for stage in model.staged_predict_proba(features(held_out))]
    best = int(np.argmin(losses))

    def score(rows: pd.DataFrame) -> np.ndarray:
        return next(islice(model.staged_predict_proba(features(rows)), best, None))[:, 1]

    return Model(score, len(pickle.dumps(model)))


def extreme(train: pd.DataFrame, _: pd.DataFrame) -> Model:
    """Train XGBoost with what it has of LightGBM's SETTING."""
    import xgboost  # noqa: PLC0415

    features = as_categories(train)
    model = xgboost.XGBClassifier(
        n_estimators=SETTING["n_estimators"],
        learning_rate=SETTING["learning_rate"],
        grow_policy="lossguide",
        max_depth=0,
        max_leaves=SETTING["num_leaves"],
        min_child_weight=30,  # a sum of p(1 - p): some 200 rows where one of five is positive
        colsample_bytree=SETTING["colsample_bytree"],
        subsample=SETTING["subsample"],
        reg_lambda=SETTING["reg_lambda"],
        enable_categorical=True,
        random_state=SEED,
    ).fit(features(train), labels(train))
    return Model(lambda rows: model.predict_proba(features(rows))[:, 1], len(model.get_booster().save_raw("ubj")))


def ordered(train: pd.DataFrame, _: pd.DataFrame) -> Model:
    """Train CatBoost: symmetric trees of its default depth, as many and as random as they are in the others."""
    import catboost  # noqa: PLC0415

    model = catboost.CatBoostClassifier(
        iterations=1000,
        learning_rate=0.03,
        rsm=SETTING["colsample_bytree"],
        bootstrap_type="Bernoulli",
        subsample=SETTING["subsample"],
        l2_leaf_reg=SETTING["reg_lambda"],
        cat_features=CATEGORIES,
        random_seed=SEED,
        allow_writing_files=False,
        verbose=False,
    ).fit(as_texts(train), labels(train))
    with tempfile.TemporaryDirectory() as folder:
        model.save_model(str(Path(folder, "model.cbm")))
        size = Path(folder, "model.cbm").stat().st_size
    return Model(lambda rows: model.predict_proba(as_texts(rows))[:, 1], size)
