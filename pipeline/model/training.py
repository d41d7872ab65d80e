"""The Trainer's entry point: train the network, export it with its preprocessing."""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import keras
import tensorflow as tf
import tensorflow_transform as tft
from absl import logging
from tfx.components.trainer.fn_args_utils import FnArgs

from components.shared import folders, steps
from components.shared.errors import BadConfig
from pipeline.model import distribution, gpipe, heads, input_data, layers, loops, network, signatures, warm_start
from pipeline.model.backup import History
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.problem import Declaration, Kind, of_kind
from pipeline.shared.sections import Train

WARM_UP = 0.25  # of an epoch


def run_fn(fn_args: FnArgs) -> None:
    """Train and export the model. TFX calls this.

    Args:
        fn_args: of `custom_config`, "declaration" is the label and the features, "train" the [train] section,
            "hyperparameters" the network's, "backups" a folder that outlives a killed run. `train_files` and `eval_files` are
            patterns of transformed examples, `transform_graph_path` is the folder of tf.Transform's graph, `base_model` that of
            the model in production if the weights start from it. The SavedModel goes to `serving_model_dir`, TensorBoard's logs
            to `model_run_dir`.
    """
    settings = Train.model_validate(fn_args.custom_config["train"])
    hyperparameters = Hyperparameters.model_validate(fn_args.custom_config["hyperparameters"])
    strategy = distribution.create(settings.strategy, settings.devices, settings.tpu)
    data = Prepared.read(fn_args)
    callbacks = [EpochBoard(fn_args.model_run_dir), TellsEpochs(lambda done, epochs: steps.report("epoch", done, epochs))]
    model, history = train(
        settings,
        hyperparameters,
        data,
        strategy,
        base_model=fn_args.base_model,
        backup=backup_folder(fn_args),
        callbacks=callbacks,
    )
    logging.info("Trained: %s", history)
    with distribution.written_by_chief(strategy, Path(fn_args.serving_model_dir)) as folder:
        signatures.ServingModel(model, data.transform, data.declaration).save(str(folder))


class EpochBoard(keras.callbacks.TensorBoard):
    """TensorBoard's logs of epochs only: Keras would prepare the figures of each batch too, and then drop them."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        super().on_train_batch_end(batch)


class TellsEpochs(keras.callbacks.Callback):
    """Tell after each batch how many epochs are done, and how many there are."""

    def __init__(self, tell: Callable[[float, int], None]):
        super().__init__()
        self._tell, self._before = tell, 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._before = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._tell(self._before + (batch + 1) / self.params["steps"], self.params["epochs"])


@dataclass(frozen=True)
class Prepared:
    """What a training gets from Transform."""

    declaration: Declaration
    transform: tft.TFTransformOutput
    vocabularies: dict[str, list[bytes]]  # the known values of each categorical feature, in the order of their indices
    train: input_data.SplitRows
    held_out: input_data.SplitRows

    @classmethod
    def read(cls, fn_args: FnArgs) -> Self:
        """Read from the folders and patterns that TFX gives to Trainer and Tuner."""
        declaration = Declaration.model_validate(fn_args.custom_config["declaration"])
        transform = tft.TFTransformOutput(fn_args.transform_graph_path)
        known = {each.name: transform.vocabulary_by_name(each.name) for each in of_kind(declaration.features, Kind.CATEGORICAL)}
        spec, files = transform.transformed_feature_spec(), (fn_args.train_files, fn_args.eval_files)
        splits = (input_data.read(matching(patterns), spec, declaration.label) for patterns in files)
        return cls(declaration, transform, known, *splits)


def train(
    settings: Train,
    hyperparameters: Hyperparameters,
    data: Prepared,
    strategy: tf.distribute.Strategy,
    *,
    base_model: str | None = None,
    backup: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[keras.Model, History]:
    """Train the network; return it, in float32, with each epoch's figures. Same settings, data and machine: same weights."""
    make_repeatable(settings)
    replicas = strategy.num_replicas_in_sync
    batch_size = distribution.global_batch_size(settings.batch_size, replicas)
    steps = math.ceil(len(data.train.label) / batch_size)
    features = data.declaration.features
    sizes = {name: len(keys) for name, keys in data.vocabularies.items()}
    head = heads.of(data.declaration, data.train.label)
    numbers = [feature.prepared[0] for feature in of_kind(features, Kind.NUMERIC)]
    bins = layers.Bins.between_quantiles(data.train.numbers(numbers)) if numbers else None
    optimize = optimizer(hyperparameters, steps, settings.epochs, replicas)

    def build() -> keras.Model:
        model = network.build(features, hyperparameters, sizes, head)
        if bins:
            network.fill(model, bins)
        if base_model:
            warm_start.load(model, Path(base_model), data.vocabularies)
        return model

    if settings.strategy == "pipeline":
        if settings.jit_compile or settings.run_eagerly:
            raise BadConfig('train.jit_compile or train.run_eagerly with train.strategy = "pipeline"; expected both false')
        whole = build()
        parts = network.with_weights(network.parts(features, hyperparameters, sizes, head), whole)
        devices = distribution.several_devices("pipeline", settings.devices)
        model = gpipe.GPipe(parts, devices, settings.micro_batches, optimize, unpack=data.train.unpack, head=head)
    else:
        model = whole = loops.create(
            strategy,
            build,
            optimize,
            run_eagerly=settings.run_eagerly,
            jit_compile=settings.jit_compile,
            unpack=data.train.unpack,
            head=head,
        )
    history = loops.train(
        settings.loop,
        model,
        batches=input_data.shuffled(data.train, batch_size, settings.seed),
        steps=steps,
        validation=input_data.in_order(data.held_out),
        epochs=settings.epochs,
        backup=backup,
        callbacks=callbacks,
    )
    if whole is not model:
        whole.set_weights(model.get_weights())
    return (whole if settings.precision == "float32" else in_float32(whole, build)), history


def in_float32(trained: keras.Model, build: Callable[[], keras.Model]) -> keras.Model:
    """Build the trained network anew with float32 arithmetic: phones know no other, and the server answers as they do."""
    keras.config.set_dtype_policy("float32")
    made = build()
    made.set_weights(trained.get_weights())
    return made


def make_repeatable(settings: Train) -> None:
    """Seed everything, and fix the order in which threads add up, which costs a few percent of the time."""
    keras.config.set_dtype_policy(settings.precision)
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()


def optimizer(settings: Hyperparameters, steps: int, epochs: int, replicas: int) -> Callable[[], keras.optimizers.Optimizer]:
    """Make AdamW, whose learning rate rises over WARM_UP of the first epoch, then falls to 0 along a cosine.

    So the last epoch ends with small steps, and no rows are needed to decide when to stop: the evaluation split judges the
    model and has no part in its training.
    """
    peak = distribution.scaled_learning_rate(settings.learning_rate, replicas)
    warm_up = max(1, round(WARM_UP * steps))
    falling = max(1, steps * epochs - warm_up)

    def create() -> keras.optimizers.Optimizer:
        rate = keras.optimizers.schedules.CosineDecay(0.0, falling, warmup_target=peak, warmup_steps=warm_up)
        return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)

    return create


def backup_folder(fn_args: FnArgs) -> Path:
    """Return the backup folder, the same for a run that repeats a killed one: same settings, same transformed examples."""
    names = [fn_args.custom_config, fn_args.train_files, fn_args.transform_graph_path, fn_args.base_model]
    return Path(fn_args.custom_config["backups"]) / hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def matching(patterns: list[str]) -> list[str]:
    """List the files that match the patterns, sorted, so that a run can be repeated."""
    places = (pattern.rpartition("/") for pattern in patterns)  # TFX leaves the folder as it is called
    return sorted(path for folder, _, name in places for path in folders.matching(folder, name))
