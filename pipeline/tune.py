"""Search hyperparameters on one span with TFX's Tuner, and write the winner as a file that the Trainer reads."""

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from components.shared import spans
from components.shared.command_line import ended, whole
from components.shared.commands import make
from components.shared.errors import BadConfig
from components.shared.files import temporary_folder
from components.shared.nodes import Output
from pipeline.config import Config
from pipeline.local import root
from pipeline.local.pending import runnable
from pipeline.model import hyperparameters
from pipeline.model.hyperparameters import Hyperparameters
from pipeline.shared import command_line


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: DONE when there is a winner."""
    parser = command_line.parser("pipeline.tune", __doc__)
    parser.add_argument("--span", help="span whose window is searched on (default: the newest that is whole)")
    parser.add_argument("--trials", type=whole, default=20, help="trainings to try (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="the winner (default: hyperparameters.json in the root of the runs)")
    options = parser.parse_args(arguments)
    console = root.terminal()
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> None:
    """Search, write the winner, and show it beside what is committed. Raises CrosswindError."""
    from pipeline import edited_files  # noqa: PLC0415 (--help must not wait for what a search needs)

    config = command_line.load(options)
    edited_files.check(config)
    span = options.span or (runnable(config) or spans.none_in(config.data.spans, config.data.unit))[-1]
    config.data.unit.number(span)  # raises for what is no span
    out = options.out or Path(config.run.root) / "hyperparameters.json"
    check_out(out)
    winner = search(config, span, options.trials, console)
    with temporary_folder(out.parent) as folder:
        (folder / out.name).write_text(json.dumps(winner.model_dump(), indent=2) + "\n", encoding="utf-8")
        (folder / out.name).replace(out)
    console.print(comparison(hyperparameters.read(Path(config.train.hyperparameters)), winner))
    command = make("run", config.named, f"--set train.hyperparameters={out}")
    console.print(f"Try it: {command}", markup=False, highlight=False, soft_wrap=True)


def check_out(path: Path) -> None:
    """Make the winner's folder. Raises BadConfig if none can be written there, better now than after the search."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(path.parent):
            pass
    except OSError as error:
        raise BadConfig(f"--out {path} cannot be written: {error}. Expected a file in a writable folder.") from error
    if path.is_dir():
        raise BadConfig(f"--out {path} is a folder; expected a file, new or to be replaced.")


def search(config: Config, span: str, trials: int, console: Console) -> Hyperparameters:
    """Run the DAG up to the Tuner, in a root of its own below the run's. Raises CrosswindError."""
    from pipeline.local.execution import execute  # noqa: PLC0415 (--help must not wait for what a search needs)

    folder = config.root / "tuning"
    config = config.model_copy(update={"run": config.run.model_copy(update={"root": str(folder)})})
    with root.claimed(folder):
        log = folder / "logs" / f"{span}.log"
        console.print(f"{trials} trials on {span}. Log: {log}", highlight=False, soft_wrap=True)
        with root.output_to(log):
            return execute(config, span, console, f"tune-{span}", after=lambda: best(folder), trials=trials)


def best(folder: Path) -> Hyperparameters:
    """Read what the newest search in a root found."""
    from keras_tuner import HyperParameters  # noqa: PLC0415

    from pipeline.model import tuning  # noqa: PLC0415

    tuned = Output.BEST_HYPERPARAMETERS
    found = (folder / "artifacts" / tuned.node / tuned.key).glob("*/best_hyperparameters.txt")
    newest = max(found, key=lambda path: int(path.parent.name))
    return tuning.hyperparameters(HyperParameters.from_config(json.loads(newest.read_text())).values)


def comparison(committed: Hyperparameters, winner: Hyperparameters) -> Table:
    table = Table("hyperparameter", "committed", "found")
    for name, value in winner.model_dump().items():
        table.add_row(name, str(getattr(committed, name)), f"{value:.3g}" if isinstance(value, float) else str(value))
    return table


if __name__ == "__main__":
    root.leave(main())
