"""The network as the pipeline's own nodes train it, and what its SavedModel answers."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from components.shared.nodes import NodeId, Output
from components.shared.phone.card import MODEL_FILE
from pipeline.config import Config
from tests.benchmarks.quality.columns import CATEGORIES
from tests.flights import FEATURES

PIECES = 10  # that rows are scored in: all at once take memory
# The node that writes the file that phones get; phones can be left out.
LAST_NODE = NodeId.MOBILE_EXPORTER if find_spec("pipeline.parts.phone") else NodeId.TRAINER


@dataclass(frozen=True)
class Trained:
    """What the nodes made of a window."""

    saved_model: Path
    phone_file: Path | None  # None: the run ended at the Trainer
    seconds: float  # of the Trainer, its export included

    @property
    def server_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.saved_model.rglob("*") if path.is_file())


def train(config: Config, span: str, last_node: NodeId = NodeId.TRAINER) -> Trained:
    """Run the pipeline's nodes on the window that ends with `span`, up to `last_node`."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner  # noqa: PLC0415 (the peers do not need it)
    from tfx.orchestration.pipeline import RunOptions  # noqa: PLC0415

    from components.shared import trace  # noqa: PLC0415
    from pipeline.dag import create_pipeline  # noqa: PLC0415

    root = Path(config.run.root)
    root.mkdir(parents=True, exist_ok=True)
    LocalDagRunner().run(create_pipeline(config, span), RunOptions(to_nodes=[last_node]))
    store = trace.open_store(root / "metadata.db")
    run = trace.read(store, trace.runs(store)[-1])
    model, phone = run.output(Output.MODEL), run.output(Output.MOBILE_MODEL)
    assert model, f"the Trainer wrote no model for {span}"
    phone_file = next(Path(phone.uri).rglob(MODEL_FILE)) if phone else None
    return Trained(Path(model.uri, "Format-Serving"), phone_file, run.executions[NodeId.TRAINER].seconds)


def scores(saved_model: Path, rows: pd.DataFrame) -> np.ndarray:
    """Return the probabilities that a SavedModel's `raw` signature gives to raw rows."""
    import tensorflow as tf  # noqa: PLC0415

    score = tf.saved_model.load(str(saved_model)).signatures["raw"]
    columns = {f.name: rows[f.name].fillna("").to_numpy() if f.name in CATEGORIES else rows[f.name] for f in FEATURES}
    return np.concatenate(
        [
            score(**{f.name: tf.constant(np.asarray(columns[f.name])[piece], f.dtype) for f in FEATURES})["probability"]
            for piece in np.array_split(np.arange(len(rows)), PIECES)
        ]
    )
