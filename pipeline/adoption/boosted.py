"""Train LightGBM with its defaults on the first window: the bar that the first run's model is held against."""

import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.adoption.tasks import Task
from pipeline.config import Config
from pipeline.problem import Kind, of_kind

if TYPE_CHECKING:
    import pandas as pd

SECONDS = 120  # of training, at most
ROWS = 2_000_000  # of training, at most: they are held in memory


def score(config: Config, task: Task, span: str) -> tuple[float, float, bool] | None:
    """Train on the window that ends with a span, and score what evaluates it: the split that `make run` makes.

    Categories are LightGBM's own, and the round is its default; nothing is tuned, and nothing stops early but for time.

    Returns:
        The task's measure, the seconds, and whether time ended it; None where LightGBM, a dependency of development, is not
            installed.
    """
    if not find_spec("lightgbm"):
        return None
    import lightgbm  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    train, held = split(config, span)
    for feature in of_kind(config.problem.features, Kind.CATEGORICAL):
        known = pd.CategoricalDtype(pd.concat([train[feature.name], held[feature.name]]).dropna().unique())
        train[feature.name], held[feature.name] = (rows[feature.name].astype(known) for rows in (train, held))
    train = train.sample(min(len(train), ROWS), random_state=1)
    names, label = list(config.problem.declared), config.problem.label
    begun, ended_by_time = time.monotonic(), []

    def stop(environment: Any) -> None:
        if time.monotonic() - begun > SECONDS:
            ended_by_time.append(True)
            raise lightgbm.callback.EarlyStopException(environment.iteration, [])

    model = getattr(lightgbm, task.learner)(random_state=1, verbose=-1)
    model.fit(train[names], train[label], callbacks=[stop])
    return task.score(model, held[names], held[label]), time.monotonic() - begun, bool(ended_by_time)


def split(config: Config, span: str) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """Read the rows of a window as SpanExampleGen does, and part them into those that train and those that evaluate."""
    import pyarrow as pa  # noqa: PLC0415

    from components.span_example_gen import reader  # noqa: PLC0415

    data, date = config.data, config.problem.date
    evaluated_from = data.unit.evaluated_from(span, data.eval_days, data.eval_spans)
    parts: dict[str, list[pa.RecordBatch]] = {"train": [], "eval": []}
    for file in (
        file
        for each in data.unit.window(span, data.window)
        for file in sorted(Path(config.spans_folder, each).glob("*.parquet"))
    ):
        for batch in reader.read(file, config.problem.columns, date, block=data.unit.block):
            found = reader.split_by_time(batch, date, evaluated_from) if date else reader.split_by_hash(batch, data.eval_share)
            for name, rows in found.items():
                parts[name].append(rows)
    reader.end()
    train, held = (pa.Table.from_batches(batches).to_pandas() for batches in parts.values())
    return train, held
