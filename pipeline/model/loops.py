"""Two training loops with the same result: Keras' `fit`, and one that is written out. Both run under every strategy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from components.shared.errors import BadConfig
from pipeline.model.backup import FIGURES, History, Progress
from pipeline.model.distribution import by_rows
from pipeline.shared.sections import Loop

Unpack = Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]


def as_they_are(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return features unchanged: a batch's features are the network's."""
    return features


class Steps:
    """Gives a keras.Model a step whose gradient is the mean over the rows of the global batch, however replicas share them.

    Keras' own step takes the mean of the replicas' means. When the last batch leaves 2, 2, 2 and 0 rows to four replicas,
    that is 3/4 of the right gradient. Here every row brings its share, 1 / rows of the global batch, along.

    Attributes:
        unpack: makes the network's features of a batch's.
    """

    unpack: Unpack = staticmethod(as_they_are)

    def train_step(self, batch: tuple) -> dict[str, tf.Tensor]:
        """Train on a replica's piece of a batch: `descend`, then the metrics. `fit` calls this."""
        _, label, _ = batch
        return self._measure(label, *self.descend(*batch))

    def test_step(self, batch: tuple) -> dict[str, tf.Tensor]:
        """Measure a replica's piece of a batch. `evaluate` calls this."""
        features, label = batch
        return self._measure(label, *self.score(features, label, training=False))

    def descend(
        self: keras.Model, features: dict[str, tf.Tensor], label: tf.Tensor, share: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Take one step of the optimizer, on one replica; the optimizer adds up the gradients of all replicas.

        Args:
            features: of the rows of this replica.
            label: shape [rows], 0 or 1.
            share: shape [rows], 1 / rows of the global batch.

        Returns:
            The rows' log loss and probability before the step, float32, shapes [rows] and [rows, 1].
        """
        with tf.GradientTape() as tape:
            losses, probability = self.score(features, label, training=True)
            penalty = tf.nn.scale_regularization_loss(self.losses) if self.losses else 0.0
            loss = self.optimizer.scale_loss(tf.reduce_sum(losses * share) + penalty)
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return losses, probability

    def score(
        self: keras.Model, features: dict[str, tf.Tensor], label: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the rows' log loss (nats, the members' mean) and probability, float32, shapes [rows] and [rows, 1]."""
        return self.judge(label, self(self.unpack(features), training=training))

    @staticmethod
    def judge(label: tf.Tensor, members: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Do what `score` does, from the members' probabilities of shape [rows, members]."""
        labels = tf.broadcast_to(tf.cast(label[:, tf.newaxis], tf.float32), tf.shape(members))
        return keras.losses.binary_crossentropy(labels, members), tf.reduce_mean(members, axis=1, keepdims=True)

    def _measure(self: keras.Model, label: tf.Tensor, losses: tf.Tensor, probability: tf.Tensor) -> dict[str, tf.Tensor]:
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(losses)
            else:
                metric.update_state(label, probability)
        return self.get_metrics_result()


class DistributedModel(Steps, keras.Model):
    """A functional network with these steps."""


def create(
    strategy: tf.distribute.Strategy,
    build: Callable[[], keras.Model],
    optimizer: Callable[[], keras.optimizers.Optimizer],
    *,
    run_eagerly: bool = False,
    jit_compile: bool = False,
    unpack: Unpack = as_they_are,
) -> DistributedModel:
    """Create network, optimizer and metrics, with their variables where the strategy wants them.

    Args:
        strategy: see `distribution.create`.
        build: makes a functional model from a dictionary of tensors of shape [batch] to a probability for each member of an
            ensemble, shape [batch, members]. Each member learns for itself; their mean is measured.
        optimizer: makes an optimizer, with the learning rate of the global batch; schedules and `use_ema` work.
        run_eagerly: no graphs: slow, but a debugger can step through it. Default: False.
        jit_compile: compile with XLA, which compiles anew for a smaller last batch. Default: False.
        unpack: makes the network's tensors from a batch's, fewer of which make a step faster. Default: they are the same.

    Raises:
        BadConfig: XLA was asked for with several replicas, or together with `run_eagerly`.
    """
    if jit_compile and (run_eagerly or strategy.num_replicas_in_sync > 1):
        found = "run_eagerly = true" if run_eagerly else f"{strategy.num_replicas_in_sync} replicas"
        raise BadConfig(f"train.jit_compile = true with {found}; expected graphs on one replica: XLA cannot sum over devices")
    with strategy.scope():
        network = build()
        model = DistributedModel(inputs=network.input, outputs=network.output)
        model.auc = keras.metrics.AUC(name="auc")
        model.unpack = unpack
        # Neither loss nor metrics: Keras would try them on the members, and `score` and `_measure` see to both.
        model.compile(optimizer(), run_eagerly=run_eagerly, jit_compile=jit_compile)
        model.optimizer.build(model.trainable_variables)
    return model


@dataclass(frozen=True)
class Plan:
    """The work of a loop: `steps` batches of `stream` an epoch, from epoch `first` to before `epochs`, each with validation."""

    stream: tf.data.Dataset
    steps: int
    validation: tf.data.Dataset
    first: int
    epochs: int
    callbacks: list[keras.callbacks.Callback]


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
        loop: "fit" or "custom".
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
        The epochs' figures, those before a restart included. `loss` is the mean log loss (nats) over the epoch's rows.

    Raises:
        BadConfig: the backup is of another network or a longer training, or the loop cannot run under the strategy.
    """
    if loop == "fit" and isinstance(model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
        # Keras 3.15 gives strategy.reduce a whole batch, then scalars with axis=0; both fail (keras-team/keras#20585).
        raise BadConfig('train.loop = "fit" with train.strategy = "multi_worker"; expected "custom": Keras\' fit fails there')
    progress = Progress(model, epochs, backup)
    first = progress.restore()
    stream = by_rows(tf.data.Dataset.range(first, epochs).flat_map(batches).map(with_share, tf.data.AUTOTUNE))
    # Progress comes last: what other callbacks change after an epoch, such as the learning rate, belongs in the checkpoint.
    hooks = [*callbacks, progress]
    LOOPS[loop](model, Plan(stream.prefetch(tf.data.AUTOTUNE), steps, by_rows(validation), first, epochs, hooks))
    return progress.history


def with_share(features: dict[str, tf.Tensor], label: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
    """Return the batch, and the weight of each row in its mean: 1 / rows, float32, shape [rows]."""
    rows = tf.shape(label)[0]
    return features, label, tf.fill([rows], 1 / tf.cast(rows, tf.float32))


def fit(model: keras.Model, plan: Plan) -> None:
    """Run Keras' loop."""
    model.fit(
        plan.stream,
        steps_per_epoch=plan.steps,
        validation_data=plan.validation,
        initial_epoch=plan.first,
        epochs=plan.epochs,
        callbacks=plan.callbacks,
        verbose=0,
    )


def custom(model: keras.Model, plan: Plan) -> None:
    """Run the loop written out: what to copy when `fit` is too narrow."""
    strategy = model.distribute_strategy
    with strategy.scope():
        auc, val_auc = keras.metrics.AUC(), keras.metrics.AUC()

    def train_replica(features, label, share):
        losses, probability = model.descend(features, label, share)
        auc.update_state(label, probability)
        return sum_and_rows(losses)

    def test_replica(features, label):
        losses, probability = model.score(features, label, training=False)
        val_auc.update_state(label, probability)
        return sum_and_rows(losses)

    train_step, test_step = on_replicas(model, train_replica), on_replicas(model, test_replica)
    hooks = keras.callbacks.CallbackList(plan.callbacks, model=model, epochs=plan.epochs, steps=plan.steps)
    model.stop_training = False
    hooks.on_train_begin()
    batches = iter(strategy.experimental_distribute_dataset(plan.stream))
    validation_batches = strategy.experimental_distribute_dataset(plan.validation)
    for epoch in range(plan.first, plan.epochs):
        hooks.on_epoch_begin(epoch)
        auc.reset_state()
        val_auc.reset_state()
        total = tf.zeros(2, tf.float64)
        for step in range(plan.steps):
            hooks.on_train_batch_begin(step)
            total += train_step(next(batches))
            hooks.on_train_batch_end(step)
            if model.stop_training:
                break
        val_total = tf.zeros(2, tf.float64)
        for batch in validation_batches:
            val_total += test_step(batch)
        logs = dict(zip(FIGURES, (mean(total), float(auc.result()), mean(val_total), float(val_auc.result())), strict=True))
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    hooks.on_train_end(logs)


LOOPS = {"fit": fit, "custom": custom}


def on_replicas(model: keras.Model, replica_step: Callable[..., tf.Tensor]) -> Callable[[tuple], tf.Tensor]:
    """Return a step that runs `replica_step` on each replica's piece of a batch and adds up the results, in float64."""
    strategy = model.distribute_strategy
    compiled = tf.function(replica_step, jit_compile=True) if model.jit_compile else replica_step

    def step(batch: tuple) -> tf.Tensor:
        total = strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(compiled, args=batch), axis=None)
        return tf.cast(total, tf.float64)  # a whole epoch adds up without loss

    return step if model.run_eagerly else tf.function(step, reduce_retracing=True)


def sum_and_rows(losses: tf.Tensor) -> tf.Tensor:
    """Return [sum, count] of losses, float32."""
    return tf.stack([tf.reduce_sum(losses), tf.cast(tf.shape(losses)[0], tf.float32)])


def mean(sum_and_rows: tf.Tensor) -> float:
    """Return the mean from the added-up results of `sum_and_rows`."""
    total, rows = sum_and_rows.numpy()
    return float(total / rows)
