"""The real executor on the artifacts of a real run, and the cards of the versions that this run has published."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from tfx.types import artifact_utils, standard_artifacts

from components.model_store import contents, labels, store
from components.model_store.restore import restore
from components.publisher import markdown, model_card
from components.publisher.executor import Executor
from components.publisher.model_card import VersionCard
from components.shared.artifacts import DriftReport
from components.shared.phone import card as mobile_card
from pipeline.keys import PRIVATE, PUBLIC
from pipeline.local import record
from tests.components.model_store.keys import make_keys
from tests.neutral import CARD, COLUMNS, LABEL, MONTHS

INPUTS = {
    "model": (standard_artifacts.Model, "Trainer", "model"),
    "model_blessing": (standard_artifacts.ModelBlessing, "Evaluator", "blessing"),
    "evaluation": (standard_artifacts.ModelEvaluation, "Evaluator", "evaluation"),
    "drift": (DriftReport, "DriftMonitor", "report"),
    "examples": (standard_artifacts.Examples, "SpanExampleGen", "examples"),
    "statistics": (standard_artifacts.ExampleStatistics, "StatisticsGen", "statistics"),
}
DESCRIPTION = model_card.Description.model_validate(tomllib.loads(CARD))


def publish(parcel_runs, folder: Path, follows=None, **properties) -> standard_artifacts.PushedModel:
    """Runs the executor on what the last run's Publisher got; as one that follows another if that one's output is given."""
    outputs = record.last_run(parcel_runs.root / "metadata.db")
    inputs, pushed = {}, standard_artifacts.PushedModel()
    for name, (kind, node, key) in INPUTS.items():
        artifact = kind()
        artifact.set_mlmd_artifact(outputs[node][key])
        inputs[name] = [artifact]
    if follows:
        inputs["follows"] = [follows]
    common = {"folder": str(folder), "model_name": "parcels", "keep": 5, "git_commit": "0123abc", "configuration": "{}"}
    Executor().Do(inputs, {"pushed_model": [pushed]}, common | properties)
    return artifact_utils.get_single_instance([pushed])


def card_of(version: store.Version) -> VersionCard:
    return VersionCard.model_validate_json((version.folder / contents.CARD_JSON).read_text())


@pytest.mark.parametrize("number", [1, 2])
def test_a_published_version_has_its_card_and_the_manifest_covers_it(parcel_runs, number):
    version = store.read(parcel_runs.serving, number)
    store.verify(version)
    assert {contents.CARD, contents.CARD_JSON} < set(version.manifest.files)
    card, manifest = card_of(version), version.manifest
    assert (version.folder / contents.CARD).read_text() == markdown.render(card)
    for name in ("model", "created", "git_commit", "tensorflow", "span", "window", "rows", "configuration"):
        assert getattr(card, name) == getattr(manifest, name), name
    overall = manifest.overall
    assert card.metrics | {"example_count": card.rows["eval"]} == overall
    large = {name for name, metrics in manifest.metrics.items() if metrics["example_count"] >= 100} - {"overall"}
    assert {each.name for each in card.slices} == large >= {"country=DE", "shop=books"}
    assert sum(each.slices for each in card.small_slices) == len(manifest.metrics) - 1 - len(large) > 0
    assert {column.name for column in card.columns} == set(COLUMNS)
    [label] = [column for column in card.columns if column.name == LABEL]
    assert 0.1 < label.mean < 0.5
    assert card.description == DESCRIPTION


def test_the_second_card_compares_with_the_model_before(parcel_runs):
    first, second = (card_of(store.read(parcel_runs.serving, number)) for number in (1, 2))
    assert (first.before, first.drift.verdict, first.drift.window) == ({}, "no_reference", [])
    assert set(second.before) == set(second.metrics)
    assert second.before != second.metrics
    assert second.drift.window == first.window
    assert second.drift.reasons


@pytest.mark.needs("pipeline.parts.phone")
def test_the_phones_version_keeps_its_own_card_and_gets_no_other(parcel_runs):
    version = store.production(parcel_runs.mobile)
    assert not (version.folder / contents.CARD).exists()
    stated = mobile_card.ModelCard.model_validate_json((version.folder / mobile_card.FILE).read_text())
    assert stated == mobile_card.read(version.folder / "model.tflite")


def test_a_rollback_keeps_the_card(parcel_runs, tmp_path):
    folder = shutil.copytree(parcel_runs.serving, tmp_path / "parcels")
    source, version = restore(folder, 1, keep=5)
    assert (source.number, version.number) == (1, 3)
    store.verify(version)
    for name in (contents.CARD, contents.CARD_JSON):
        assert (version.folder / name).read_bytes() == (source.folder / name).read_bytes()


def test_a_changed_card_is_found(parcel_runs, tmp_path):
    folder = shutil.copytree(parcel_runs.serving, tmp_path / "parcels")
    with (folder / "2" / contents.CARD).open("a") as file:
        file.write("And it never errs.\n")
    with pytest.raises(store.CorruptModel, match=r"Version 2 in .* differs from its manifest: model_card.md"):
        store.verify(store.read(folder, 2))


def test_the_card_is_no_part_of_the_model(parcel_runs, tmp_path):
    """The same model with another card is the same model; without a description there is none."""
    pushed = publish(parcel_runs, tmp_path / "parcels")
    assert pushed.get_int_custom_property("pushed") == 1
    version = store.production(tmp_path / "parcels")
    assert not {contents.CARD, contents.CARD_JSON} & set(version.manifest.files)
    pushed = publish(parcel_runs, tmp_path / "parcels", description=DESCRIPTION.model_dump_json())
    assert pushed.get_string_custom_property("reason") == "version 1 in production is this very model"


def leader(version: int, *, pushed: bool, holds: bool) -> standard_artifacts.PushedModel:
    """What a Publisher leaves."""
    artifact = standard_artifacts.PushedModel()
    for name, value in {"version": version, "pushed": int(pushed), "holds": int(holds)}.items():
        artifact.set_int_custom_property(name, value)
    return artifact


def test_one_that_follows_pushes_under_the_same_number(parcel_runs, tmp_path):
    pushed = publish(parcel_runs, tmp_path / "f", leader(7, pushed=True, holds=True))
    assert (pushed.get_int_custom_property("pushed"), pushed.get_int_custom_property("version")) == (1, 7)


def test_one_that_follows_makes_up_for_a_run_that_was_killed_between_the_two_but_once(parcel_runs, tmp_path):
    again = leader(7, pushed=False, holds=True)
    pushed = publish(parcel_runs, tmp_path / "f", again)
    assert (pushed.get_int_custom_property("pushed"), pushed.get_int_custom_property("version")) == (1, 7)
    pushed = publish(parcel_runs, tmp_path / "f", again)
    assert pushed.get_int_custom_property("pushed") == 0
    assert pushed.get_string_custom_property("reason") == "version 7 was published with the server's"


def test_a_push_beside_a_pinned_version_records_which_one_is_in_production(parcel_runs, tmp_path):
    folder = tmp_path / "parcels"
    shutil.copytree(parcel_runs.serving / "1", folder / "1")
    (tmp_path / labels.CONFIG).write_text(
        'model_config_list { config { name: "parcels" version_labels { key: "stable" value: 1 } } }'
    )
    names = ("pushed", "version", "in_production")
    first, again = (publish(parcel_runs, folder) for _ in range(2))
    assert [first.get_int_custom_property(name) for name in names] == [1, 2, 1]
    assert [again.get_int_custom_property(name) for name in names] == [0, 2, 1]
    (tmp_path / labels.CONFIG).unlink()
    unpinned = publish(parcel_runs, folder)
    assert [unpinned.get_int_custom_property(name) for name in names] == [0, 2, 2]


def test_one_that_follows_does_not_push_what_a_rollback_took_out(parcel_runs, tmp_path):
    pushed = publish(parcel_runs, tmp_path / "f", leader(7, pushed=False, holds=False))
    assert pushed.get_string_custom_property("reason") == "the server's model was not published"
    assert not (tmp_path / "f").exists()


def test_what_a_person_wrote_comes_from_the_parameter(parcel_runs, tmp_path):
    stated = DESCRIPTION.model_copy(update={"summary": "Ü: the *chance* of rain."})
    settings = json.dumps({"train": {"epochs": 1, "note": "<script>"}})
    publish(parcel_runs, tmp_path / "rain", description=stated.model_dump_json(), configuration=settings)
    version = store.production(tmp_path / "rain")
    store.verify(version)
    text = (version.folder / contents.CARD).read_text()
    assert text.startswith("# Model card: parcels\n\nÜ: the *chance* of rain.\n")
    assert '    train.note = "<script>"\n' in text


def test_nothing_is_published_while_a_text_of_the_card_is_a_placeholder(parcel_runs, tmp_path):
    stated = DESCRIPTION.model_copy(update={"ethics": ["<whom a wrong answer harms>"]})
    pushed = publish(parcel_runs, tmp_path / "parcels", description=stated.model_dump_json())
    assert pushed.get_int_custom_property("pushed") == 0
    assert pushed.get_string_custom_property("reason") == (
        "the model's card has placeholders for ethics: write them, and run the span again"
    )
    assert not (tmp_path / "parcels").exists()


def test_a_key_signs_and_only_its_path_is_told(parcel_runs, tmp_path):
    keys = make_keys(tmp_path / "keys")
    paths = {"signing_key": str(tmp_path / "keys" / PRIVATE), "public_key": str(tmp_path / "keys" / PUBLIC)}
    configuration = json.dumps({"publish": paths})
    pushed = publish(parcel_runs, tmp_path / "parcels", span=MONTHS[-1], configuration=configuration, **paths)
    assert pushed.get_int_custom_property("pushed") == 1
    version = store.read(tmp_path / "parcels", 1, keys)
    assert version.manifest.configuration["publish"] == paths
    [secret] = [line for line in Path(paths["signing_key"]).read_text().splitlines() if "-----" not in line]
    content = [path.read_bytes() for path in version.folder.rglob("*") if path.is_file()]
    assert not any(secret.encode() in each for each in [*content, str(pushed.mlmd_artifact).encode()])
