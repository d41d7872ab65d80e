"""The Tuner's entry point: what is searched, and how a trial is judged."""

import keras_tuner
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from components.shared import steps
from pipeline.model import distribution, training
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.shared.sections import Train

OBJECTIVE = "val_loss"


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Make the Tuner and its arguments. TFX calls this.

    Args:
        fn_args: as `training.run_fn` gets them; `custom_config["trials"]` says how many trials, `working_dir` is their folder.
    """
    settings = Train.model_validate(fn_args.custom_config["train"])
    oracle = keras_tuner.oracles.BayesianOptimizationOracle(
        keras_tuner.Objective(OBJECTIVE, "min"),
        max_trials=fn_args.custom_config["trials"],
        num_initial_points=max(2, fn_args.custom_config["trials"] // 4),
        hyperparameters=space(),
        seed=settings.seed,
    )
    data = training.Prepared.read(fn_args)
    tuner = Search(settings, data, oracle=oracle, directory=fn_args.working_dir, project_name="search")
    return TunerFnResult(tuner, fit_kwargs={})


def space() -> keras_tuner.HyperParameters:
    """Return the ranges to search, around the values that the literature gives for networks on tables."""
    ranges = keras_tuner.HyperParameters()
    ranges.Float("learning_rate", 5e-4, 5e-3, sampling="log")
    ranges.Float("weight_decay", 1e-4, 1e-1, sampling="log")
    ranges.Choice("units", [32, 64, 128, 192])
    ranges.Choice("layers", [1, 2, 3])
    ranges.Choice("members", [1, 4, 8, 16])
    ranges.Float("dropout", 0.1, 0.6, step=0.1)
    ranges.Float("embedding_dropout", 0.0, 0.4, step=0.1)
    return ranges


def hyperparameters(values: dict) -> Hyperparameters:
    """Turn a point of `space` into what the Trainer takes."""
    others = {name: value for name, value in values.items() if name not in ("units", "layers")}
    return Hyperparameters(hidden_units=[values["units"]] * values["layers"], **others)


class Search(keras_tuner.Tuner):
    """A trial is a whole training; the one with the smallest log loss on the evaluation split wins."""

    def __init__(self, settings: Train, data: training.Prepared, **options):
        super().__init__(**options)
        self._settings, self._data = settings, data
        self._tried = 0

    def run_trial(self, trial, **_) -> dict[str, float]:
        strategy = distribution.create(self._settings.strategy, self._settings.devices, self._settings.tpu)
        before, trials = self._tried, self.oracle.max_trials
        tells = training.TellsEpochs(lambda done, epochs: steps.report("trial", before + done / epochs, trials))
        chosen = hyperparameters(trial.hyperparameters.values)
        _, history = training.train(self._settings, chosen, self._data, strategy, callbacks=[tells])
        self._tried += 1
        return {OBJECTIVE: history[-1][OBJECTIVE]}
