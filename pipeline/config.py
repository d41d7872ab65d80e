"""The pipeline's configuration: typed, documented, and refused when it makes no sense."""

import json
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from components.shared import commands
from components.shared.errors import BadConfig, listed
from components.shared.problem_folder import FILE, root, shown, tables
from components.shared.tasks import TASKS
from data import DEFAULT_PROBLEM
from pipeline.beam.settings import Beam
from pipeline.problem import Problem
from pipeline.shared import masking, sections
from pipeline.shared.kubeflow import Kubeflow
from pipeline.shared.layers import Layers
from pipeline.shared.section import MASK, SENSITIVE, Section

DEFAULT_FILE = Path(__file__).with_name("config.toml")


class Config(Section):
    """The whole configuration, as its layers state it: defaults, `config.toml`, the problem's `problem.toml`, `--set`."""

    problem: Problem
    data: sections.Data
    gate: sections.Gate = sections.Gate()
    drift: sections.Drift = sections.Drift()
    train: sections.Train
    evaluate: sections.Evaluate = sections.Evaluate()
    mobile: sections.Mobile = sections.Mobile()
    canary: sections.CanarySettings
    components: sections.Components
    batch: sections.Batch
    publish: sections.Publish
    schedule: sections.Schedule
    run: sections.Run
    beam: Beam
    kubeflow: Kubeflow

    @property
    def root(self) -> Path:
        """The folder for everything that runs write, absolute."""
        return Path(self.run.root).absolute()

    @property
    def named(self) -> str:
        """The problem, as `components.shared.commands` takes it."""
        return commands.named(Path(self.problem.folder), DEFAULT_PROBLEM)

    @property
    def spans_folder(self) -> str:
        """Where the spans are, whatever folder a node runs in; a URI as it is."""
        return self.data.spans if "://" in self.data.spans else str(Path(self.data.spans).absolute())

    @property
    def serving_folder(self) -> Path:
        """Where TensorFlow Serving looks for versions of the model."""
        return self.root / "serving" / self.problem.model

    @property
    def mobile_folder(self) -> Path:
        """Where versions of the phone's model go."""
        return self.root / "mobile" / self.problem.model


def load(
    path: Path = DEFAULT_FILE,
    overrides: list[str] | None = None,
    options: dict[str, tuple[str, str]] | None = None,
    problem: Path = DEFAULT_PROBLEM,
) -> Config:
    """Read a configuration.

    >>> load(overrides=["train.epochs=5"]).train.epochs
    5

    Args:
        path: a TOML file with the settings of the machine and the platform; by default pipeline/config.toml.
        overrides: settings as `--set` takes them, `section.key=value`, the value as TOML; text may go without quotes.
        options: other options of the command line, each with the setting that it overrides and its text.
        problem: folder of the problem, whose `problem.toml` overrides `path`; by default DEFAULT_PROBLEM.

    Raises:
        BadConfig: names each wrong key, where it stood, its value and what is allowed.
    """
    layers = Layers({"the defaults": _defaults(problem), str(path): tables(path), **_stated(problem)})
    for override in overrides or []:
        layers.override(override)
    for option, (setting, text) in (options or {}).items():
        layers.put(tuple(setting.split(".")), text, option)
    try:
        config = Config.model_validate(layers.values, context=_feature_names(layers.values))
    except ValidationError as error:
        raise BadConfig(_explained(error, layers)) from error
    if found := _of_other_tasks(config):
        raise BadConfig("; ".join(f"{layers.of(setting)}: {words}" for setting, words in found.items()))
    if unknown := [name for name in config.gate.may_be_absent if name not in config.problem.target.classes]:
        raise BadConfig(
            f"{layers.of(('gate', 'may_be_absent'))}: {listed(unknown)} is not a class; "
            f"expected some of problem.classes: {listed(config.problem.target.classes)}."
        )
    data = config.data
    if config.problem.date and (name := data.leaves_nothing):
        gaps = f", of which {data.max_gaps} may be absent" if data.max_gaps else ""
        raise BadConfig(
            f"{layers.of(('data', name))}: data.{name} = {getattr(data, name)} leaves nothing to train on in a window of "
            f"{data.window} {data.unit}s{gaps}. Make data.window larger, or data.eval_days smaller, or set data.eval_spans."
        )
    return config


def _of_other_tasks(config: Config) -> dict[tuple[str, str], str]:
    """Say of each setting that was made and that only other tasks have what this one has: it would change nothing."""
    own, found = config.problem.task.settings(), {}
    for task in TASKS.values():
        for section, names in task.settings().items():
            for name in sorted(names - own[section] & getattr(config, section).model_fields_set):
                found[section, name] = (
                    f"{section}.{name} is of another task than {config.problem.task_name}, which has "
                    f"{', '.join(sorted(own[section])) or 'none of that kind'}"
                )
    return found


def _defaults(problem: Path) -> dict[str, dict[str, Any]]:
    """Return the lowest layer: what follows from a problem's folder, and each default that others go over key by key."""
    found = _of_the_folder(problem)
    for name, section in Config.model_fields.items():
        for key, field in getattr(section.annotation, "model_fields", {}).items():
            if isinstance(field.default, dict) and field.default:
                found.setdefault(name, {})[key] = field.default
    return found


def _of_the_folder(problem: Path) -> dict[str, Any]:
    """Return the settings that follow from a problem's folder: where its files are, and its root of runs."""
    folder = shown(problem)
    return {
        "problem": {"folder": folder},
        "data": {"spans": f"{folder}/spans", "schema": f"{folder}/schema.pbtxt"},
        "train": {"hyperparameters": f"{folder}/hyperparameters.json"},
        "publish": {"card": f"{folder}/card.toml"},
        "run": {"root": str(root(problem))},
    }


def _stated(problem: Path) -> dict[str, dict[str, Any]]:
    """Read `problem.toml`, by its name. Raises BadConfig where it is missing."""
    file = problem / FILE
    if not file.is_file():
        known = ", ".join(shown(each.parent) for each in sorted(DEFAULT_PROBLEM.parent.glob(f"*/{FILE}")))
        raise BadConfig(f"{shown(problem)} holds no {FILE}; expected the folder of a problem, such as {known} (--problem).")
    return {shown(file): tables(file)}


def _feature_names(values: dict[str, Any]) -> list[str]:
    """Name the declared features, as far as their form is right: errors are reported later."""
    features = values.get("problem", {}).get("features") if isinstance(values.get("problem"), dict) else None
    return list(features) if isinstance(features, dict) else []


def overrides(config: Config) -> list[str]:
    """List what `config` changes in the checkout's own configuration, as `load` takes it, passwords masked."""
    base = masking.settings(load(problem=Path(config.problem.folder)))
    return [
        f"{section}.{key}={_toml(value)}"
        for section, values in masking.settings(config).items()
        for key, value in values.items()
        if value != base[section][key] and (section, key) != ("run", "root")
    ]


def _toml(value: object) -> str:
    """Write a value in one line. JSON's texts, numbers and truth values are TOML's too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _explained(error: ValidationError, layers: Layers) -> str:
    """Say what is wrong, by layer."""
    told: dict[str, list[str]] = {}
    for problem in error.errors():
        told.setdefault(layers.of(problem["loc"]), []).append(_explain(problem))
    return "; ".join(f"{layer}: {'; '.join(problems)}" for layer, problems in told.items())


def _explain(problem) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key} is not a setting{_allowed_keys(problem['loc'])}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    reason = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("model_type", "model_attributes_type", "dict_type"):
        reason = f"expected a table{_allowed_keys((*problem['loc'], ''))}"
    if isinstance(problem["input"], dict):
        return f"{key}: {reason}"  # of a section: what stands in it says less than the reason
    return f"{key} = {MASK if _is_sensitive(problem['loc']) else repr(problem['input'])}: {reason}"


def _is_sensitive(location: tuple) -> bool:
    fields = _settings_at(location[:1])
    return any(SENSITIVE in fields[key].metadata for key in location[1:2] if key in fields)


def _allowed_keys(location: tuple) -> str:
    return "; expected one of " + ", ".join(field.alias or name for name, field in _settings_at(location[:-1]).items())


def _settings_at(location: tuple) -> dict[str, FieldInfo]:
    """Return what can be set in the innermost section that a location leads to, which may be one of a dictionary's values."""
    fields = Config.model_fields
    for part in location:
        named = {field.alias or name: field for name, field in fields.items()}
        if part in named:
            kinds = (named[part].annotation, *get_args(named[part].annotation))
            inner = [kind.model_fields for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
            fields = inner[0] if inner else fields
    return fields
