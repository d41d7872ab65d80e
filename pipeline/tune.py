"""Searches hyperparameters on one span with TFX's Tuner, and writes the winner as a file that the Trainer reads."""

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from components.errors import BadConfig, CrosswindError
from components.files import temporary_folder
from pipeline import config as configuration
from pipeline import hyperparameters
from pipeline.hyperparameters import Hyperparameters
from pipeline.local_runner import execute
from pipeline.root import leave


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 when there is a winner, 2 for a wrong setting, else 1."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.tune", description=__doc__)
    parser.add_argument("--span", default="2013-03", help="month whose window is searched on (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=20, help="trainings to try (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/hyperparameters.json"), help="the winner (default: %(default)s)")
    parser.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="override a setting")
    options = parser.parse_args(arguments)
    # Its own descriptor: standard output goes to the log while the pipeline runs.
    console = Console(file=os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8"))
    try:
        if options.trials < 1:
            raise BadConfig(f"--trials {options.trials}; expected 1 or more")
        config = configuration.load(overrides=options.set)
        winner = search(config, options.span, options.trials, console)
    except CrosswindError as error:
        console.print(f"{type(error).__name__}: {error}", markup=False, highlight=False, soft_wrap=True)
        return 2 if isinstance(error, BadConfig) else 1
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(options.out.parent) as folder:
        (folder / options.out.name).write_text(json.dumps(winner.model_dump(), indent=2) + "\n", encoding="utf-8")
        (folder / options.out.name).replace(options.out)
    console.print(comparison(hyperparameters.read(Path(config.train.hyperparameters)), winner))
    console.print(f'Try it: make run ARGS="--set train.hyperparameters={options.out}"', highlight=False, soft_wrap=True)
    return 0


def search(config: configuration.Config, span: str, trials: int, console: Console) -> Hyperparameters:
    """Runs the DAG up to the Tuner, in a root of its own below the run's."""
    from pipeline import root  # noqa: PLC0415 (here and below: --help must not wait for what a search needs)

    folder = Path(config.run.root).absolute() / "tuning"
    config = config.model_copy(update={"run": config.run.model_copy(update={"root": str(folder)})})
    with root.claimed(folder):
        log = folder / "logs" / f"{span}.log"
        console.print(f"{trials} trials on {span}. Log: {log}", highlight=False, soft_wrap=True)
        with root.output_to(log):
            execute(config, span, console, f"tune-{span}", trials)
    from keras_tuner import HyperParameters  # noqa: PLC0415

    from pipeline.model import tuning  # noqa: PLC0415

    found = (folder / "artifacts" / "Tuner" / "best_hyperparameters").glob("*/best_hyperparameters.txt")
    newest = max(found, key=lambda path: int(path.parent.name))
    return tuning.hyperparameters(HyperParameters.from_config(json.loads(newest.read_text())).values)


def comparison(committed: Hyperparameters, winner: Hyperparameters) -> Table:
    table = Table("hyperparameter", "committed", "found")
    for name, value in winner.model_dump().items():
        table.add_row(name, str(getattr(committed, name)), f"{value:.3g}" if isinstance(value, float) else str(value))
    return table


if __name__ == "__main__":
    leave(main())
