"""Two training loops with the same result: Keras' `fit`, and one that is written out. Both run under every strategy."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from components.shared.errors import BadConfig
from pipeline.model.backup import History, Progress
from pipeline.model.distribution import by_rows
from pipeline.model.heads import BINARY, Head
from pipeline.shared.sections import Loop

Unpack = Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]  # makes the network's features of a batch's; `dict`: the same


class Steps:
    """Gives a keras.Model a step whose gradient is the mean over the rows of the global batch, however replicas share them.

    Keras' own step takes the mean of the replicas' means. When the last batch leaves 2, 2, 2 and 0 rows to four replicas,
    that is 3/4 of the right gradient. Here every row brings its share, 1 / rows of the global batch, along.
    """

    unpack: Unpack = dict
    head: Head = BINARY

    def train_step(self, batch):
        """Do `learn`, and return the metrics. `fit` calls this."""
        self.learn(*batch)
        return self.get_metrics_result()

    def test_step(self, batch):
        """Do `examine`, and return the metrics. `evaluate` calls this."""
        self.examine(*batch)
        return self.get_metrics_result()

    def learn(self, features, label, share) -> None:
        """Train on a replica's piece of a batch, and measure it. Arguments as of `descend`."""
        self._measure(label, *self.descend(features, label, share))

    def examine(self, features, label) -> None:
        """Measure a replica's piece of a batch."""
        self._measure(label, *self.score(features, label, training=False))

    def descend(self, features, label, share):
        """Take one step of the optimizer, on one replica; the optimizer adds up the gradients of all replicas.

        Args:
            features: of the rows of this replica.
            label: shape [rows].
            share: shape [rows], 1 / rows of the global batch.

        Returns:
            What `score` does, before the step.
        """
        with tf.GradientTape() as tape:
            losses, answers = self.score(features, label, training=True)
            penalty = tf.nn.scale_regularization_loss(self.losses) if self.losses else 0.0
            loss = self.optimizer.scale_loss(tf.reduce_sum(losses * share) + penalty)
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return losses, answers

    def score(self, features, label, training):
        """Return the rows' losses (the members' mean) and answers, float32, shapes [rows] and [rows, 1 or classes]."""
        return self.judge(label, self(self.unpack(features), training=training))

    def judge(self, label: tf.Tensor, members: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Do what `score` does, from the members' answers, shape [rows, members], or [rows, members, classes]."""
        return self.head.losses(label, members), self.head.answers(members)

    def _measure(self, label, losses, answers):
        for metric in self.metrics:
            metric.update_state(*([losses] if metric.name == "loss" else [label, answers]))


class DistributedModel(Steps, keras.Model):
    """A functional network with these steps."""


def create(
    strategy: tf.distribute.Strategy,
    build: Callable[[], keras.Model],
    optimizer: Callable[[], keras.optimizers.Optimizer],
    *,
    run_eagerly: bool = False,
    jit_compile: bool = False,
    unpack: Unpack = dict,
    head: Head = BINARY,
) -> DistributedModel:
    """Create network, optimizer and metrics, with their variables where the strategy wants them.

    Args:
        build: makes a functional model from a dictionary of tensors of shape [batch] to an answer for each member of an
            ensemble, shape [batch, members], or [batch, members, classes]. Each learns for itself; their mean is measured.
        optimizer: makes an optimizer, with the learning rate of the global batch; schedules and `use_ema` work.
        run_eagerly: no graphs: slow, but a debugger can step through it.
        jit_compile: compile with XLA, which compiles anew for a smaller last batch.
        unpack: makes the network's tensors from a batch's, fewer of which make a step faster.
        head: of the task; by default the binary one.

    Raises:
        BadConfig: XLA was asked for with several replicas, or together with `run_eagerly`.
    """
    if jit_compile and (run_eagerly or strategy.num_replicas_in_sync > 1):
        found = "run_eagerly = true" if run_eagerly else f"{strategy.num_replicas_in_sync} replicas"
        raise BadConfig(f"train.jit_compile = true with {found}; expected graphs on one replica: XLA cannot sum over devices")
    with strategy.scope():
        network = build()
        model = DistributedModel(inputs=network.input, outputs=network.output)
        model.measure = head.metric()
        model.unpack, model.head = unpack, head
        # Neither loss nor metrics: Keras would try them on the members, and `score` and `_measure` see to both.
        model.compile(optimizer(), run_eagerly=run_eagerly, jit_compile=jit_compile)
        model.optimizer.build(model.trainable_variables)
    return model


def train(
    loop: Loop,
    model: keras.Model,
    *,
    batches: Callable[[tf.Tensor], tf.data.Dataset],
    steps: int,
    validation: tf.data.Dataset,
    epochs: int,
    backup: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> History:
    """Train a model, which then holds the last weights, or their moving average if the optimizer keeps one.

    Args:
        model: one with Steps: from `create`, or a `gpipe.GPipe`.
        batches: a function of an epoch (int64 scalar, a graph's tensor) to its global batches: pairs of features (name to
            tensor of shape [rows], or what the model unpacks to that) and label (shape [rows]). After a restart only what
            depends on nothing but the epoch is the same.
        steps: batches an epoch.
        validation: any number of global batches.
        epochs: passes over the training rows.
        backup: folder of a checkpoint after each epoch, for this training only; removed at the end. A training that was
            killed resumes after its last whole epoch. Several workers must share it. Default: no checkpoints.
        callbacks: Keras'. `custom` calls the hooks of training, epoch and training batch (the latter without logs). Their
            own state is not in the backup: after a restart EarlyStopping counts from the start.

    Returns:
        The epochs' figures, those before a restart included. `loss` is the mean of the rows' losses over the epoch.

    Raises:
        BadConfig: the backup is of another network or a longer training, or the loop cannot run under the strategy.
    """
    if loop == "fit" and isinstance(model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
        # Keras 3.15 gives strategy.reduce a whole batch, then scalars with axis=0; both fail (keras-team/keras#20585).
        raise BadConfig('train.loop = "fit" with train.strategy = "multi_worker"; expected "custom": Keras\' fit fails there')
    progress = Progress(model, epochs, backup)
    first = progress.restore()
    stream = by_rows(tf.data.Dataset.range(first, epochs).flat_map(batches).map(with_share, tf.data.AUTOTUNE))
    run = functools.partial(model.fit, verbose=0) if loop == "fit" else functools.partial(custom, model)
    run(
        stream.prefetch(tf.data.AUTOTUNE),
        steps_per_epoch=steps,
        validation_data=by_rows(validation),
        initial_epoch=first,
        epochs=epochs,
        # Progress comes last: what others change after an epoch, such as the learning rate, belongs in the checkpoint.
        callbacks=[*callbacks, progress],
    )
    return progress.history


def with_share(features: dict[str, tf.Tensor], label: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
    """Return the batch, and the weight of each row in its mean: 1 / rows, float32, shape [rows]."""
    rows = tf.shape(label)[0]
    return features, label, tf.fill([rows], 1 / tf.cast(rows, tf.float32))


def custom(
    model: keras.Model,
    stream: tf.data.Dataset,
    *,
    steps_per_epoch: int,
    validation_data: tf.data.Dataset,
    initial_epoch: int,
    epochs: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Do what Keras' `fit` does with these arguments, written out: what to copy when `fit` is too narrow."""
    train_step = on_replicas(model, model.learn)
    test_step = on_replicas(model, model.examine)
    hooks = keras.callbacks.CallbackList(callbacks, model=model, epochs=epochs, steps=steps_per_epoch)
    model.stop_training = False
    hooks.on_train_begin()
    batches = iter(model.distribute_strategy.experimental_distribute_dataset(stream))
    validation_batches = model.distribute_strategy.experimental_distribute_dataset(validation_data)
    for epoch in range(initial_epoch, epochs):
        hooks.on_epoch_begin(epoch)
        model.reset_metrics()
        for step in range(steps_per_epoch):
            hooks.on_train_batch_begin(step)
            train_step(next(batches))
            hooks.on_train_batch_end(step)
            if model.stop_training:
                break
        logs = measured(model)
        model.reset_metrics()
        for batch in validation_batches:
            test_step(batch)
        logs |= measured(model, "val_")
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    hooks.on_train_end(logs)


def on_replicas(model: keras.Model, replica_step: Callable) -> Callable[[tuple], tf.Tensor | None]:
    """Return a step that runs `replica_step` on each replica's piece of a batch, as the model was compiled."""
    compiled = tf.function(replica_step, jit_compile=True) if model.jit_compile else replica_step

    def step(batch: tuple) -> tf.Tensor | None:
        return model.distribute_strategy.run(compiled, args=batch)

    return step if model.run_eagerly else tf.function(step, reduce_retracing=True)


def measured(model: keras.Model, begins: str = "") -> dict[str, float]:
    """Return the metrics of all replicas, by their names with a beginning."""
    return {f"{begins}{name}": float(value) for name, value in model.get_metrics_result().items()}
