"""Does a start from the weights in production save epochs? Each month anew, and from the month before, on months never seen.

Run: `make bench-warm-start` (a quarter of an hour on two cores).
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf
from rich.console import Console
from rich.table import Table
from sklearn.metrics import log_loss, roc_auc_score

from pipeline import config as configuration
from pipeline.model import hyperparameters, signatures, training
from tests.benchmarks.quality.network import scores
from tests.benchmarks.train_speed import prepared
from tests.flights import LABEL

MONTHS = ["2013-04", "2013-05", "2013-06", "2013-07"]
EPOCHS = [1, 2, 3]


def train(data: training.Prepared, epochs: int, base_model: Path | None, folder: Path) -> None:
    """Trains as the Trainer does, and exports to `folder`."""
    config = configuration.load(overrides=[f"train.epochs={epochs}"])
    network = hyperparameters.read(Path(config.train.hyperparameters))
    start = str(base_model) if base_model else None
    model, _ = training.train(config.train, network, data, tf.distribute.get_strategy(), base_model=start)
    signatures.ServingModel(model, data.transform, data.declaration).save(str(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"))
    out = parser.parse_args().out
    config = configuration.load()
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        production = Path(temporary, "first")
        train(prepared(out, "2013-03"), config.train.epochs, None, production)
        for month in MONTHS:
            data = prepared(out, month)
            after = next_month(month)
            unseen = pd.read_parquet(Path(config.data.spans) / after)
            labels = unseen[LABEL].astype(int).to_numpy()
            for start, base in (("random", None), ("production", production)):
                for epochs in EPOCHS:
                    folder = Path(temporary, f"{month}-{start}-{epochs}")
                    train(data, epochs, base, folder)
                    found = scores(folder, unseen)
                    row = {"month": after, "start": start, "epochs": epochs}
                    results.append(row | {"AUC": roc_auc_score(labels, found), "log loss": log_loss(labels, found)})
                    Console().print(results[-1])
            production = Path(temporary, f"{month}-random-{config.train.epochs}")
    (out / "warm_start.json").write_text(json.dumps(results, indent=2))
    means = pd.DataFrame(results).groupby(["start", "epochs"])[["AUC", "log loss"]].mean().reset_index()
    table = Table("start", "epochs", "AUC", "log loss", title=f"Means over the months after {', '.join(MONTHS)}")
    for row in means.itertuples(index=False):
        table.add_row(row[0], str(row[1]), *(f"{value:.4f}" for value in row[2:]))
    Console().print(table)


def next_month(month: str) -> str:
    year, number = map(int, month.split("-"))
    return str(np.datetime64(f"{year}-{number:02}") + np.timedelta64(1, "M"))


if __name__ == "__main__":
    main()
