"""TabM of PyTorch (Gorishniy and others, 2025): an ensemble of networks that share most of their weights.

Its packages are not in the lock, since PyTorch on PyPI brings 5 GB of CUDA; the README says how to add them.
"""

import copy
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.quality.columns import CATEGORIES, NUMBERS, labels
from tests.benchmarks.quality.peers import SEED, Model

# The package's own sizes but for the width, half of its 512: an epoch of three months takes some 80 s of one processor then.
WIDTH, MEMBERS, EMBEDDING = 256, 32, 16
LEARNING_RATE, WEIGHT_DECAY, BATCH = 0.002, 0.0003, 1024
EPOCHS, PATIENCE = 50, 3  # at most, and those without a gain on the held-out rows that end the training
ROWS_A_CALL = 8192


def fit(train: pd.DataFrame, held_out: pd.DataFrame) -> Model:
    """Train until the held-out rows gain no more, and take the best epoch."""
    import torch  # noqa: PLC0415

    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    inputs = encoder(train)
    model = built(*inputs(train))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    best_loss, best, waited = np.inf, copy.deepcopy(model.state_dict()), 0
    rows, targets = inputs(train), torch.tensor(labels(train), dtype=torch.float32)
    for _ in range(EPOCHS):
        an_epoch(model, optimizer, rows, targets)
        loss = log_loss(score(model, inputs(held_out)), labels(held_out))
        waited = 0 if loss < best_loss else waited + 1
        if waited == 0:
            best_loss, best = loss, copy.deepcopy(model.state_dict())
        if waited == PATIENCE:
            break
    model.load_state_dict(best)
    saved = io.BytesIO()
    torch.save(best, saved)
    return Model(lambda unseen: score(model, inputs(unseen)), saved.getbuffer().nbytes)


def encoder(train: pd.DataFrame) -> Callable[[pd.DataFrame], tuple[Any, Any]]:
    """Return what makes of rows scaled numbers, zero where missing, and codes: of categories, and of what is missing."""
    import torch  # noqa: PLC0415

    numbers = [name for name in NUMBERS if train[name].nunique() > 1]
    means, deviations = train[numbers].astype("float64").mean(), train[numbers].astype("float64").std()
    known = {name: {value: code for code, value in enumerate(sorted(train[name].dropna().unique()), 1)} for name in CATEGORIES}

    def inputs(rows: pd.DataFrame) -> tuple[Any, Any]:
        scaled = (rows[numbers].astype("float64") - means) / deviations
        codes = [rows[name].map(known[name]).fillna(0).astype(int) for name in CATEGORIES]
        codes += [rows[name].isna().astype(int) for name in numbers]
        return torch.tensor(scaled.fillna(0.0).to_numpy("float32")), torch.tensor(np.stack(codes, axis=1))

    return inputs


def built(numbers: Any, codes: Any) -> Any:
    """Make a model whose numbers are embedded over bins between their quantiles."""
    import rtdl_num_embeddings  # noqa: PLC0415
    import tabm  # noqa: PLC0415

    embeddings = rtdl_num_embeddings.PiecewiseLinearEmbeddings(
        rtdl_num_embeddings.compute_bins(numbers), EMBEDDING, activation=False, version="B"
    )
    return tabm.TabM.make(
        n_num_features=numbers.shape[1],
        cat_cardinalities=[max(2, int(column.max()) + 1) for column in codes.T],
        d_out=1,
        num_embeddings=embeddings,
        d_block=WIDTH,
        k=MEMBERS,
    )


def an_epoch(model: Any, optimizer: Any, rows: tuple[Any, Any], targets: Any) -> None:
    """Pass over all rows once, in an order by chance; each member learns from its own loss."""
    import torch  # noqa: PLC0415

    model.train()
    for batch in torch.randperm(len(targets)).split(BATCH):
        optimizer.zero_grad()
        answers = model(rows[0][batch], rows[1][batch])[..., 0]
        of_members = targets[batch, None].expand_as(answers)
        torch.nn.functional.binary_cross_entropy_with_logits(answers, of_members).backward()
        optimizer.step()


def score(model: Any, rows: tuple[Any, Any]) -> np.ndarray:
    """Return the mean probability of the members."""
    import torch  # noqa: PLC0415

    model.eval()
    with torch.inference_mode():
        pieces = zip(*(each.split(ROWS_A_CALL) for each in rows), strict=True)
        return torch.cat([torch.sigmoid(model(*piece)[..., 0]).mean(dim=1) for piece in pieces]).numpy()


def log_loss(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Compute the mean log loss of probabilities."""
    probabilities = np.clip(probabilities.astype("float64"), 1e-7, 1 - 1e-7)
    return float(-np.log(np.where(truth == 1, probabilities, 1 - probabilities)).mean())
