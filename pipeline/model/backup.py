"""Keep the progress of a training: its figures, and a checkpoint from which a killed training resumes."""

import json
import shutil
from pathlib import Path

import keras
import tensorflow as tf
from absl import logging

from components.shared.errors import BadConfig
from pipeline.model.distribution import written_by_chief

History = list[dict[str, float]]  # of each epoch: loss and metric of the training rows, and with "val_" of those held out


class Progress(keras.callbacks.Callback):
    """Keep the history, and save a checkpoint after each epoch but the last.

    Not keras.callbacks.BackupAndRestore: after a restart its weights differ from those of a training that ran through. It omits
    the state of the dropout layers' random generators, and replaces its two files (weights, epoch) one after the other, so
    that a kill in between repeats an epoch. A TensorFlow checkpoint is there whole or not at all.
    """

    def __init__(self, model: keras.Model, epochs: int, folder: Path | None):
        super().__init__()
        self.history: History = []
        self._strategy = model.distribute_strategy
        self._epochs = epochs
        self._folder = folder
        self._saved_history = tf.Variable("[]")
        variables = [variable.value for variable in (*model.variables, *model.optimizer.variables)]
        self._checkpoint = tf.train.Checkpoint(variables=variables, history=self._saved_history)

    def restore(self) -> int:
        """Restore a training that was killed, and return the epoch to resume with; 0 if there is none.

        Raises:
            BadConfig: the checkpoint does not fit.
        """
        latest = tf.train.latest_checkpoint(str(self._folder)) if self._folder else None
        if latest:
            try:
                self._checkpoint.restore(latest).assert_consumed()
            except (AssertionError, ValueError, tf.errors.OpError) as error:
                raise BadConfig(
                    f"{latest} does not fit this network and optimizer; expected a backup of the same training; "
                    f"remove {self._folder} to start again"
                ) from error
            self.history = json.loads(self._saved_history.numpy())
            if len(self.history) >= self._epochs:
                raise BadConfig(
                    f"{latest} was saved after epoch {len(self.history)}, but train.epochs = {self._epochs}; "
                    f"expected more epochs, or remove {self._folder} to start again"
                )
            logging.info("Resuming with epoch %d of %d, from %s", len(self.history) + 1, self._epochs, latest)
        return len(self.history)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        told = sorted(logs, key=lambda name: (name.startswith("val_"), not name.endswith("loss")))  # whichever order Keras has
        self.history.append({name: float(logs[name]) for name in told})
        figures = ", ".join(f"{name} {value:.4f}" for name, value in self.history[-1].items())
        logging.info("Epoch %d of %d: %s", epoch + 1, self._epochs, figures)
        if self._folder and epoch + 1 < self._epochs:
            self._saved_history.assign(json.dumps(self.history))
            with written_by_chief(self._strategy, self._folder) as folder:
                tf.train.CheckpointManager(self._checkpoint, str(folder), max_to_keep=1).save(checkpoint_number=epoch + 1)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self._folder and self._strategy.extended.should_checkpoint:
            shutil.rmtree(self._folder, ignore_errors=True)
