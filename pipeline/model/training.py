"""The Trainer's entry point: train the network, export it with its preprocessing."""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf
import tensorflow_transform as tft
from absl import logging
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils

from pipeline.config import Train
from pipeline.features import FEATURES, LABEL, Kind
from pipeline.hyperparameters import Hyperparameters
from pipeline.model import distribution, input_data, loops, network, signatures, warm_start

WARM_UP = 0.25  # of an epoch


def run_fn(fn_args: FnArgs) -> None:
    """TFX calls this.

    Args:
        fn_args: of `custom_config`, "train" is the [train] section, "hyperparameters" the network's, "backups" a folder that
            outlives a killed run. `train_files` and `eval_files` are patterns of transformed examples; `transform_output` is
            the folder of the tf.Transform graph, `base_model` that of the model in production, if the weights start from it.
            The SavedModel goes to `serving_model_dir`, TensorBoard's logs to `model_run_dir`.
    """
    settings = Train.model_validate(fn_args.custom_config["train"])
    hyperparameters = Hyperparameters.model_validate(fn_args.custom_config["hyperparameters"])
    strategy = distribution.create(settings.strategy, settings.devices, settings.tpu)
    make_repeatable(settings)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    known = vocabularies(transform)
    rows = input_data.blocks(matching(fn_args.train_files), transform.transformed_feature_spec())
    held_out = input_data.blocks(matching(fn_args.eval_files), transform.transformed_feature_spec())
    batch_size = distribution.global_batch_size(settings.batch_size, strategy.num_replicas_in_sync)
    steps = math.ceil(input_data.count(rows) / batch_size)

    def build() -> keras.Model:
        model = network.build(hyperparameters, {name: len(keys) for name, keys in known.items()})
        if fn_args.base_model:
            warm_start.load(model, Path(fn_args.base_model), known)
        return model

    model = loops.create(
        strategy,
        build,
        optimizer(hyperparameters, steps, settings.epochs, strategy.num_replicas_in_sync),
        settings.run_eagerly,
        settings.jit_compile,
    )
    history = loops.train(
        settings.loop,
        model,
        batches=input_data.shuffled(rows, LABEL, batch_size, settings.seed),
        steps=steps,
        validation=input_data.in_order(held_out, LABEL),
        epochs=settings.epochs,
        backup=backup_folder(fn_args),
        callbacks=[keras.callbacks.TensorBoard(fn_args.model_run_dir)],
    )
    logging.info("Trained: %s", history)
    with distribution.written_by_chief(strategy, Path(fn_args.serving_model_dir)) as folder:
        signatures.ServingModel(model, transform).save(str(folder))


def make_repeatable(settings: Train) -> None:
    """Same settings, data and machine: same weights. Order of additions included, which costs a few percent of the time."""
    keras.config.set_dtype_policy(settings.precision)
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()


def vocabularies(transform: tft.TFTransformOutput) -> dict[str, list[bytes]]:
    """The known values of each categorical feature, in the order of their indices."""
    return {f.name: transform.vocabulary_by_name(f.name) for f in FEATURES if f.kind is Kind.CATEGORICAL}


def optimizer(settings: Hyperparameters, steps: int, epochs: int, replicas: int) -> Callable[[], keras.optimizers.Optimizer]:
    """AdamW. The learning rate rises over WARM_UP of the first epoch, then falls to 0 along a cosine.

    So the last epoch ends with small steps, and no row is held back to decide when to stop: the evaluation split judges the
    model and has no part in its training.
    """
    peak = distribution.scaled_learning_rate(settings.learning_rate, replicas)
    warm_up = max(1, round(WARM_UP * steps))

    def create() -> keras.optimizers.Optimizer:
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps * epochs - warm_up), warmup_target=peak, warmup_steps=warm_up
        )
        return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)

    return create


def backup_folder(fn_args: FnArgs) -> Path:
    """The same for a run that repeats a killed one: same settings, same transformed examples."""
    names = [fn_args.custom_config, fn_args.train_files, fn_args.transform_output, fn_args.base_model]
    return Path(fn_args.custom_config["backups"]) / hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def matching(patterns: list[str]) -> list[str]:
    """Files that match the patterns, sorted, so that a run can be repeated."""
    return sorted(path for pattern in patterns for path in io_utils.fileio.glob(pattern))
