"""Compile the pipeline for Kubeflow Pipelines, and upload, run or schedule it there."""

import argparse
import datetime
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from components.shared import spans
from components.shared.command_line import ended
from components.shared.errors import Exit
from components.shared.files import sha256
from pipeline import config as configuration
from pipeline.config import Config
from pipeline.kubeflow import client as kubeflow
from pipeline.kubeflow import runs
from pipeline.kubeflow.closing import NODES
from pipeline.kubeflow.oss import tasks_of
from pipeline.kubeflow.recurring import Schedules, check_cron
from pipeline.local.supervisor import AskedToEnd, signals_end_it
from pipeline.shared import command_line
from pipeline.shared.checkout import git_commit

PIPELINE = "crosswind"


def main(arguments: list[str] | None = None) -> int:
    """Return an `Exit`: FAILED when the pipeline cannot be compiled or KFP said no."""
    options = parse(arguments)
    console = Console(highlight=False, soft_wrap=True)
    with signals_end_it():
        return ended(lambda: options.action(load(options), options, console), console)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    command_line.add_configuration(common)
    common.add_argument("--host", help="of KFP's API (default: kubeflow.host of the configuration)")
    parser = argparse.ArgumentParser(prog="python -m pipeline.kubeflow_runner", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="compile | upload | run | schedule")

    def add(action: Callable, does: str, name: str = "") -> argparse.ArgumentParser:
        verb = verbs.add_parser(name or action.__name__, parents=[common], help=does)
        verb.set_defaults(action=action, meanwhile="refuse")
        return verb

    verb = add(compile_only, "write the package that KFP takes", "compile")
    verb.add_argument("-o", "--output", type=Path, default=Path("pipeline.yaml"), help="file (default: %(default)s)")
    add(upload, "compile and upload, as a new version if there is one")
    verb = add(run, "upload and start a run")
    verb.add_argument("--span", default=spans.NEWEST, help="to run, such as 2013-07 (default: the newest that is whole)")
    verb.add_argument("--wait", action="store_true", help="until it has ended, and say what came of it; 1 if it failed")
    verb = add(schedule, "upload and run again and again, in place of an older schedule")
    verb.add_argument("--cron", default="0 0 3 * * *", help="six fields, seconds first (default: %(default)s)")
    verb.add_argument("--name", default=PIPELINE, help="of the schedule (default: %(default)s)")
    verb.add_argument("--remove", action="store_true", help="take the schedule of this name out again")
    either = verb.add_mutually_exclusive_group()
    for flag, does in (("--wait", "wait for"), ("--now", "end")):
        either.add_argument(flag, action="store_const", const=flag[2:], dest="meanwhile", help=f"{does} a run of it under way")
    return parser.parse_args(arguments)


def load(options: argparse.Namespace) -> Config:
    """Load the configuration that the options describe. Raises BadConfig."""
    given = {"--host": ("kubeflow.host", options.host)} if options.host else None
    return configuration.load(options.config, options.set, given, options.problem)


def compile_only(config: Config, options: argparse.Namespace, console: Console) -> None:
    tasks = compile_to(config, options.output)
    size = options.output.stat().st_size
    console.print(f"Compiled {len(tasks)} tasks to {options.output}, {size / 1000:.0f} KB: {', '.join(tasks)}.")


def upload(config: Config, options: argparse.Namespace, console: Console) -> None:
    with kubeflow.connected(config.kubeflow) as client:
        _uploaded(config, client, console)


def run(config: Config, options: argparse.Namespace, console: Console) -> int | None:
    if options.span != spans.NEWEST:
        config.data.unit.number(options.span)  # raises for what is no span, before anything is uploaded
    settings = config.kubeflow
    with kubeflow.connected(settings) as client:
        if pipeline_id := kubeflow.find_pipeline(client, settings, PIPELINE):
            runs.check_alone(client, settings, pipeline_id)
        version, tasks = _uploaded(config, client, console)
        name = f"{PIPELINE} {options.span} {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}"
        run_id = runs.start(client, settings, version, name, options.span)
        console.print(f"Started run {run_id} of span {options.span}.", markup=False)
        if options.wait:
            return followed(config, client, run_id, tasks, console)
        console.print(runs.look(settings, run_id), markup=False)
    return None


def followed(config: Config, client, run_id: str, tasks: list[str], console: Console) -> int:
    """Wait for a run and print what came of it. Whoever ends the waiting is told that the run continues."""
    try:
        run = runs.wait(client, config.kubeflow, run_id, config.schedule.max_hours, said_on(console))
    except (KeyboardInterrupt, AskedToEnd) as error:
        what = error.name if isinstance(error, AskedToEnd) else "Interrupted"
        console.print(f"{what}. Run {run_id} continues. {runs.look(config.kubeflow, run_id)}", markup=False)
        return Exit.INTERRUPTED
    console.print(runs.ending(run, config.kubeflow, tasks), markup=False)
    return Exit.DONE


def schedule(config: Config, options: argparse.Namespace, console: Console) -> None:
    check_cron(options.cron)
    with kubeflow.connected(config.kubeflow) as client:
        schedules = Schedules(client, config.kubeflow, options.meanwhile, config.schedule.max_hours, said_on(console))
        if options.remove:
            console.print(f"Removed {schedules.remove(options.name)} named {options.name}.", markup=False)
            return
        version, _ = _uploaded(config, client, console)
        made, replaced = schedules.make(version, options.name, options.cron)
    instead = f", in place of {replaced}" if replaced else ""
    console.print(f"Scheduled {made}, {options.name}: {options.cron}{instead}.", markup=False)


def compile_to(config: Config, path: Path) -> list[str]:
    """Compile to a file, which appears whole, and return the names of its containers' tasks."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from components.shared.command_line import quiet_stderr  # noqa: PLC0415

    with quiet_stderr():
        from pipeline.kubeflow import compiled  # noqa: PLC0415

        documents = compiled.compiled(config, git_commit())
    compiled.write(documents, path)
    return sorted(tasks_of(documents[0]).keys() - {NODES})


def said_on(console: Console) -> Callable[[str], None]:
    """Return a function that prints a sentence as it is."""
    return lambda text: console.print(text, markup=False)


def _uploaded(config: Config, client, console: Console) -> tuple[tuple[str, str], list[str]]:
    """Compile and upload; return the ids of the pipeline and of its version, and the names of its tasks."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "pipeline.yaml"
        tasks = compile_to(config, package)
        # The same package uploaded twice is one version. Its name is a DNS name: KFP may keep versions as Kubernetes' objects.
        version = f"{PIPELINE}-{sha256(package)[:12]}-{git_commit()[:12]}"
        ids = kubeflow.upload(client, config.kubeflow, package, PIPELINE, version)
    console.print(f"Uploaded {PIPELINE}, version {version}.")
    return ids, tasks


if __name__ == "__main__":
    sys.exit(main())
