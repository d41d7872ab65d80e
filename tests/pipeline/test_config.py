import re
from functools import partial
from pathlib import Path

import pytest

from components.shared.errors import BadConfig
from pipeline import config
from tests import neutral, other_tasks

PROBLEMS = sorted(file.parent for file in Path("data").glob("*/problem.toml"))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda folder: folder.name)
def test_the_committed_files_are_valid(problem):
    assert config.load(problem=problem).problem.folder == str(problem)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.window=0", "data.window = 0: Input should be greater than or equal to 1"),
        ("data.window=three", "data.window = 'three': Input should be a valid integer"),
        (
            "data.windw=3",
            "data.windw is not a setting; expected one of spans, unit, schema, window, max_gaps, ignore_columns",
        ),
        ("data.unit=fortnight", "data.unit = 'fortnight': Input should be 'hour', 'day', 'week', 'month', 'quarter' or 'year'"),
        (
            "data.eval_days=56",
            "data.eval_days = 56 leaves nothing to train on in a window of 2 months. Make data.window larger, or",
        ),
        ("data.eval_spans=3", "data.eval_spans = 3 leaves nothing to train on in a window of 2 months."),
        (
            "data.max_gaps=3",
            "data.eval_days = 10 leaves nothing to train on in a window of 2 months, of which 3 may be absent.",
        ),
        ("evaluate.min_auc=1.7", "evaluate.min_auc = 1.7: Input should be less than or equal to 1"),
        ("training.epochs=3", "training is not a setting; expected one of problem, data, gate, drift, train"),
        ("train.epochs=2.5", "train.epochs = 2.5: Input should be a valid integer"),
        ("train.strategy=horovod", "train.strategy = 'horovod': Input should be 'one_device', 'mirrored', 'multi_worker'"),
        ("train.dropout=0.3", "train.dropout is not a setting; expected one of hyperparameters, epochs"),
        ("gate.min_positive_share=nan", "gate.min_positive_share = nan"),
        ("gate.stop_on=['fatal']", "gate.stop_on.0 = 'fatal': Input should be 'error' or 'warning'"),
        ("gate.min_positive_share=0.99", r"min_positive_share must be below max_positive_share \(0.98\)"),
        ("publish.keep=0", "publish.keep = 0: Input should be greater than or equal to 1"),
        ("problem.model=../up", "problem.model = '../up': String should match pattern"),
        ("evaluate.slices=['shoop']", "shoop is not a feature; expected some of shop, country, distance"),
        ("gate.may_be_constant=['gifft']", "gifft is not a feature; expected some of shop"),
        ("gate.may_be_absent=['lost']", "gate.may_be_absent is of another task than binary"),
        ("drift.numeric=0", "drift.numeric = 0: Input should be greater than 0"),
        ("drift.policy=never", "drift.policy = 'never': Input should be 'retrain_always' or 'retrain_on_drift'"),
        (
            "drift.block_push=['skew:prise']",
            "'skew:prise' is not a check; expected data, label, prediction, concept, skew, or data:<f",
        ),
        ("drift.block_push=['label:price']", "'label:price' is not a check"),
        ("drift.retrain_on=['mood']", "drift.retrain_on.0 = 'mood': Input should be 'data', 'label'"),
        ("epochs=3", "expected section.key=value, as in train.epochs=5"),
        ("train.epochs", "expected section.key=value, as in train.epochs=5"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(parcels, override, message):
    with pytest.raises(BadConfig, match=message):
        config.load(overrides=[override], problem=parcels)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.epoch=3"], "--set train.epoch: train.epoch is not a setting; expected one of hyperparameters, epochs"),
        (["training.epochs=3"], "--set training.epochs: training is not a setting"),
        (["data.window=0"], "--set data.window: data.window = 0: Input should be"),
        (["gate.stop_on=['fatal']"], "--set gate.stop_on: gate.stop_on.0 = 'fatal'"),
        (["gate.min_positive_share=0.99"], "{file} with --set gate.min_positive_share: gate: min_positive_share must be below"),
        (["data.window=0", "train.epochs=0"], "--set data.window: data.window = 0.*; --set train.epochs: train.epochs = 0"),
        (["kubeflow.every_node.cpus='4'"], "--set kubeflow.every_node.cpus: kubeflow.every_node.cpus is not a setting"),
        (["kubeflow.nodes.Trainer.cpu=4"], "--set kubeflow.nodes.Trainer.cpu: kubeflow.nodes.Trainer.cpu = 4: Input should be"),
        (["data.window.size=3"], "--set data.window.size: data.window is not a section"),
        (["train.epochs"], "--set 'train.epochs' is not understood"),
    ],
)
def test_what_is_wrong_is_named_with_where_it_stood(parcels, overrides, message):
    with pytest.raises(BadConfig, match="^" + message.format(file=parcels / "problem.toml")):
        config.load(overrides=overrides, problem=parcels)


@pytest.mark.parametrize(("old", "wrong"), [('loop = "fit"', 'lop = "fit"'), ("keep = 5", "kep = 5")])
def test_what_is_wrong_in_a_file_is_the_files_whatever_options_there_are(parcels, tmp_path, old, wrong):
    (tmp_path / "c.toml").write_text(config.DEFAULT_FILE.read_text().replace(old, wrong))
    with pytest.raises(BadConfig) as caught:
        config.load(tmp_path / "c.toml", ["train.epochs=2"], {"--root": ("run.root", "elsewhere")}, parcels)
    [key, *_] = wrong.split()
    assert re.match(rf"{tmp_path}/c\.toml.*: .*\w+\.{key} is not a setting", str(caught.value)) and "--" not in str(
        caught.value
    )


def a_problem(parcels: Path, folder: Path, old: str = "", new: str = "") -> Path:
    """The folder of a problem whose file differs in one place."""
    (folder / "mine").mkdir()
    text = (parcels / "problem.toml").read_text()
    assert old in text
    (folder / "mine" / "problem.toml").write_text(text.replace(old, new, 1))
    return folder / "mine"


def test_a_problem_comes_over_the_machine_and_has_its_own_places(parcels, tmp_path):
    (tmp_path / "c.toml").write_text(config.DEFAULT_FILE.read_text() + "\n[gate]\nmin_rows = 7\nstop_on = []\n")
    loaded = config.load(tmp_path / "c.toml", problem=a_problem(parcels, tmp_path))
    assert (loaded.gate.min_rows, loaded.gate.stop_on) == (100, [])
    folder = tmp_path / "mine"
    assert (loaded.run.root, loaded.problem.folder) == ("runs/mine", str(folder))
    assert (loaded.data.spans, loaded.data.schema_file) == (f"{folder}/spans", f"{folder}/schema.pbtxt")
    assert (loaded.train.hyperparameters, loaded.publish.card) == (f"{folder}/hyperparameters.json", f"{folder}/card.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'label = "returned"',
            'lable = "returned"',
            "problem.label is missing; problem.lable is not a setting; expected one of folder, model, task, label, classes",
        ),
        ('label = "returned"', "", "problem.label is missing"),
        ('label = "returned"', 'label = "shop"', "problem: shop is declared twice; expected label, date and each feature"),
        ('"flag"', '"flagg"', "problem.features.gift.kind = 'flagg': Input should be 'numeric', 'categorical'"),
        (", period = 7", "", "problem.features.weekday: period = 0 of a cyclic feature; expected it above 0"),
        (", prior = 0.4", "", "problem.features.shop_share: prior = 0 of a share feature; expected it above 0"),
        (', form = "distance"', "", 'problem.features.distance: form = "distance" and between come together'),
        (
            '"km", words = "Distance"',
            '"feet", words = "Distance"',
            'problem.features.distance: a distance in "feet"; expected',
        ),
        (
            'form = "weekday"',
            'form = "choice"',
            'problem.features.weekday: form = "choice" for a float32; expected "choice" or',
        ),
        ('["shop", "country"] }', '["shop", "here"] }', "problem: distance: here in between is not a feature"),
        (
            "items = ",
            '"no name" = ',
            "problem.features.no name.name = 'no name': no tensor can have this name; expected a letter",
        ),
        ("items = ", "class = ", "problem.features.class.name = 'class': a word of Python, which TensorFlow refuses"),
        ("items = ", "Price = ", "problem: Price, price is declared twice; expected label, date and each feature"),
        ("period = 7", "period = inf", "problem.features.weekday.period = inf: Input should be a finite number"),
        (
            'slices = ["shop"',
            'slices = ["from"',
            "evaluate.slices.0 = 'from': from is not a feature; expected some of shop",
        ),
        (
            "optional = true",
            "optinal = true",
            "problem.features.country.optinal is not a setting; expected one of name, kind, unit",
        ),
        ('title = "', 'titel = "', "problem.words.titel is not a setting; expected one of title, row, rows"),
        (
            '{ kind = "flag", words = "A gift" }',
            '"flag"',
            "problem.features.gift = 'flag': expected a table; expected one of name, kind",
        ),
        ("[gate]", "[gates]", "gates is not a setting; expected one of problem, data, gate"),
    ],
)
def test_what_is_wrong_with_a_problem_is_said_of_its_file(parcels, tmp_path, old, new, message):
    with pytest.raises(BadConfig) as caught:
        config.load(problem=a_problem(parcels, tmp_path, old, new))
    assert str(caught.value).startswith(f"{tmp_path}/mine/problem.toml: {message}")


def test_a_folder_that_is_no_problem_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(BadConfig, match=rf"{tmp_path}.* no problem.toml.* such as {PROBLEMS[0]}"):
        config.load(problem=tmp_path)


def test_another_option_is_named_too_and_its_text_is_text(parcels):
    assert config.load(options={"--root": ("run.root", "2024")}, problem=parcels).run.root == "2024"
    with pytest.raises(BadConfig, match=r"^--root: run\.root = '': String should have at least 1 character"):
        config.load(options={"--root": ("run.root", "")}, problem=parcels)


def test_a_setting_below_a_section_can_be_overridden_alone(parcels, tmp_path):
    problem = a_problem(parcels, tmp_path, "[gate]", "[mobile.max_difference]\nfloat32 = 1e-5\nfloat16 = 1e-3\n\n[gate]")
    overrides = ["kubeflow.nodes.Trainer.memory=9Gi", "mobile.max_difference.float16=0.5"]
    loaded = config.load(overrides=overrides, problem=problem)
    assert loaded.kubeflow.node("Trainer").memory == "9Gi"
    assert loaded.mobile.max_difference == {"float32": 1e-5, "float16": 0.5}


def test_a_key_of_a_dictionary_goes_over_its_default_in_any_layer(parcels, tmp_path):
    problem = a_problem(parcels, tmp_path, "[gate]", "[mobile]\nmax_difference = { dynamic_int8 = 0.05 }\n\n[gate]")
    overrides = ["mobile.max_difference.float16=0.5", "mobile.max_difference={weight_int8 = 0.1}"]
    limits = {"float32": 1e-5, "float16": 0.5, "dynamic_int8": 0.05, "weight_int8": 0.1}
    assert config.load(overrides=overrides, problem=problem).mobile.max_difference == limits
    assert config.load(problem=parcels).mobile.max_difference == {"float32": 1e-5, "float16": 1e-3}
    loaded = config.load(overrides=["kubeflow.annotations.team=a", "kubeflow.annotations={who='b'}"], problem=parcels)
    assert loaded.kubeflow.annotations == {**config.load(problem=parcels).kubeflow.annotations, "team": "a", "who": "b"}
    assert config.load(overrides=["kubeflow.annotations={}"], problem=parcels).kubeflow.annotations == {}


def test_overrides_are_typed_and_text_needs_no_quotes(parcels):
    loaded = config.load(
        overrides=["train.epochs=7", "run.root=/some where", "evaluate.slices=['price']", "evaluate.min_auc=0"], problem=parcels
    )
    assert (loaded.train.epochs, loaded.run.root, loaded.evaluate.slices, loaded.evaluate.min_auc) == (
        7,
        "/some where",
        ["price"],
        0.0,
    )


@pytest.mark.parametrize("content", [b"[data", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(parcels, tmp_path, content):
    (tmp_path / "c.toml").write_bytes(content)
    with pytest.raises(BadConfig, match=r"c.toml cannot be read as TOML"):
        config.load(tmp_path / "c.toml", problem=parcels)


def test_a_missing_setting_is_named(parcels, tmp_path):
    (tmp_path / "c.toml").write_text(config.DEFAULT_FILE.read_text().replace("loop = ", "# "))
    with pytest.raises(BadConfig, match=rf"^{tmp_path}/c\.toml and {parcels}/problem\.toml: train\.loop is missing"):
        config.load(tmp_path / "c.toml", problem=parcels)


def test_what_is_evaluated_of_rows_without_a_date_depends_on_no_days(parcels):
    settings = ["data.unit=day", "data.window=1"]
    with pytest.raises(BadConfig, match=r"data.eval_days = 10 leaves nothing to train on in a window of 1 days\."):
        config.load(overrides=settings, problem=parcels)
    assert config.load(overrides=[*settings, 'problem.date=""'], problem=parcels).data.eval_share == 0.2


@pytest.mark.parametrize(
    ("task", "setting", "named"),
    [
        (
            "multiclass",
            "evaluate.min_auc=0.6",
            "evaluate.min_auc is of another task than multiclass, which has max_accuracy_drop",
        ),
        ("regression", "gate.min_positive_share=0.1", "gate.min_positive_share is of another task than regression"),
        (
            "regression",
            "mobile.threshold=0.4",
            "mobile.threshold is of another task than regression, which has max_rmse_change",
        ),
        ("binary", "drift.rmse=0.1", "drift.rmse is of another task than binary, which has auc, calibration, label, log_loss"),
    ],
)
def test_a_setting_of_another_task_is_refused(tmp_path, task, setting, named):
    """It would change nothing, and who made it thinks that it does."""
    write = neutral.write if task == "binary" else partial(other_tasks.write, task=task)
    folder = write(tmp_path / "parcels", each=20)
    with pytest.raises(BadConfig, match=f"--set {setting.partition('=')[0]}: {named}"):
        config.load(problem=folder, overrides=[setting])


def test_a_task_and_its_classes_fit_together(tmp_path):
    folder = other_tasks.write(tmp_path / "parcels", "multiclass", each=20)
    assert config.load(problem=folder).problem.target.classes == other_tasks.CLASSES
    for wrong, named in (
        (
            'problem.task="regression"',
            "task = 'regression' with 3 classes; expected 3 or more of a multiclass label, none of others",
        ),
        ('gate.may_be_absent=["lost"]', "lost is not a class; expected some of problem.classes: kept, exchanged, returned"),
        ('problem.classes=["a", "b"]', "task = 'multiclass' with 2 classes"),
        ('problem.classes=["a", "b", "a"]', "the class a is named twice"),
    ):
        with pytest.raises(BadConfig, match=named):
            config.load(problem=folder, overrides=[wrong])
