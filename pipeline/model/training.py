"""The Trainer's entry point: train the network, export it with its preprocessing."""

import keras
import tensorflow_transform as tft
from absl import logging
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils

from pipeline.config import Train
from pipeline.features import FEATURES, LABEL, Kind
from pipeline.model import input_data, network, signatures


def run_fn(fn_args: FnArgs) -> None:
    """TFX calls this.

    Args:
        fn_args: `custom_config["train"]` is the [train] section; `train_files` and `eval_files` are patterns of transformed
            examples; `transform_output` is the folder of the tf.Transform graph; the SavedModel goes to
            `serving_model_dir`, TensorBoard's logs to `model_run_dir`.
    """
    settings = Train.model_validate(fn_args.custom_config["train"])
    transform = tft.TFTransformOutput(fn_args.transform_output)
    keras.utils.set_random_seed(settings.seed)
    vocabularies = {
        feature.name: transform.vocabulary_size_by_name(feature.name)
        for feature in FEATURES
        if feature.kind is Kind.CATEGORICAL
    }
    model = network.build(settings, vocabularies)
    spec = transform.transformed_feature_spec()
    history = model.fit(
        input_data.dataset(matching(fn_args.train_files), spec, LABEL, settings.batch_size, settings.seed),
        validation_data=input_data.dataset(matching(fn_args.eval_files), spec, LABEL, 8192),
        epochs=settings.epochs,
        callbacks=[keras.callbacks.TensorBoard(fn_args.model_run_dir)],
        verbose=2,
    )
    logging.info("Trained: %s", history.history)
    signatures.ServingModel(model, transform).save(fn_args.serving_model_dir)


def matching(patterns: list[str]) -> list[str]:
    """Files that match the patterns, sorted, so that a run can be repeated."""
    return sorted(path for pattern in patterns for path in io_utils.fileio.glob(pattern))
