"""A small published version, its file made by hand with a real signature, put into an app's folder."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as flatbuffer
from conftest import REPOSITORY

from components.model_store import store
from components.model_store.manifest import Facts
from components.model_store.signature import SIGNATURE
from components.shared.errors import CorruptModel, NotConvertible, PublishFailed, VersionNotFound
from components.shared.phone import card as model_card
from components.shared.phone.card import LENGTHS, FeatureCard, Form, Golden, ModelCard
from components.shared.phone.file import DTYPES
from components.shared.tasks import TASKS
from pipeline.keys import PUBLIC, sign_version
from tests.clocks import starts
from tests.components.model_store.keys import make_keys
from tflite import install

TENSORS = {name: number for number, name in DTYPES.items()}
INPUTS = {"depot": "string", "weight": "float32", "express": "int64"}
CARD = ModelCard(
    model="broken_parcel",
    version=1,
    variant="float16",
    span="2013-03",
    window=["2013-02", "2013-03"],
    rows={"train": 3, "eval": 1},
    label="broken",
    signature="serving_default",
    output="probability",
    threshold=0.5,
    base_rate=0.24,
    missing={"string": "", "float32": "NaN"},
    features=[
        FeatureCard(name="depot", kind="categorical", dtype="string", values=["A"]),
        FeatureCard(name="weight", kind="numeric", dtype="float32", unit="grams", minimum=0, maximum=6000),
        FeatureCard(name="express", kind="flag", dtype="int64", minimum=0, maximum=1),
    ],
    metrics={"auc": 0.7},
    golden=[Golden(row={"depot": "A", "weight": 1400.5, "express": 0}, score=0.25)],
)


def model(inputs: dict[str, str], output: str = "probability") -> bytes:
    """A file that computes nothing, with a signature of these inputs."""
    graph, signature, whole = flatbuffer.SubGraphT(), flatbuffer.SignatureDefT(), flatbuffer.ModelT()
    graph.tensors, tensors = [], []
    for index, (name, dtype) in enumerate([*inputs.items(), (output, "float32")]):
        tensor, named = flatbuffer.TensorT(), flatbuffer.TensorMapT()
        tensor.type = TENSORS[dtype]
        named.name, named.tensorIndex = name, index
        graph.tensors.append(tensor)
        tensors.append(named)
    signature.signatureKey, signature.inputs, signature.outputs = "serving_default", tensors[:-1], tensors[-1:]
    whole.subgraphs, whole.signatureDefs = [graph], [signature]
    builder = flatbuffers.Builder()
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def publish(tmp_path):
    """A function that publishes a card and a file; returns the folder of the versions."""

    def publish(card: ModelCard = CARD, content: bytes | None = None, beside: str | None = None) -> Path:
        source = tmp_path / f"source{len(list(tmp_path.glob('source*')))}"
        source.mkdir()
        (source / "model.tflite").write_bytes(model_card.attach(content or model(INPUTS), card))
        (source / "model_card.json").write_text(card.model_dump_json(indent=1) + "\n" if beside is None else beside)
        store.publish(tmp_path / "mobile", source, {}, Facts(span=card.span), 5)
        return tmp_path / "mobile"

    return publish


@pytest.fixture
def mobile(publish):
    """Two versions."""
    publish()
    return publish(CARD.model_copy(update={"version": 2, "span": "2013-04"}))


@pytest.fixture
def assets(tmp_path):
    return tmp_path / "app" / "assets"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def run(capsys):
    """The command in this process: how it ended, and what it said."""

    def run(*arguments) -> subprocess.CompletedProcess[str]:
        code = install.main([*map(str, arguments)])
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return run


def test_the_newest_version_is_copied_and_costs_little(mobile, run, assets):
    run("--mobile", mobile, "--assets", assets)
    done = run("--mobile", mobile, "--assets", assets)
    assert re.match(r"Already there: version 2 of broken_parcel \(float16, \d KB, span 2013-04\)\n", done.stdout)
    assert contents(assets) == contents(mobile / "2")
    command = [sys.executable, "-m", "tflite.install", "--mobile", str(mobile), "--assets", str(assets)]
    assert starts(lambda: subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True)) < 6


def test_a_version_that_is_named_is_copied(mobile, run, assets):
    assert run("--mobile", mobile, "--assets", assets).stdout.startswith("Installed version 2 ")
    assert run("--mobile", mobile, "--assets", assets, "--version", 1).stdout.startswith("Installed version 1 ")
    assert contents(assets) == contents(mobile / "1")


def test_no_tensorflow_and_no_interpreter_is_imported():
    unwanted = {"tensorflow", "tfx", "keras", "numpy.testing", "ai_edge_litert.interpreter"}
    code = f"import sys, tflite.install; found = {unwanted} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def test_a_version_that_is_there_is_not_written_again(mobile, assets):
    version = install.published(mobile, None)
    assert install.install(version, assets)
    before = {path: path.stat().st_mtime_ns for path in assets.iterdir()}
    assert not install.install(version, assets)
    assert {path: path.stat().st_mtime_ns for path in assets.iterdir()} == before


def test_other_assets_stay(mobile, assets):
    assets.mkdir(parents=True)
    (assets / "licence.txt").write_text("free")
    install.install(install.published(mobile, None), assets)
    assert contents(assets) == {**contents(mobile / "2"), "licence.txt": b"free"}


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_a_copy_that_is_cut_short_leaves_no_manifest_and_the_next_repairs_it(mobile, assets, monkeypatch, renames):
    install.install(install.published(mobile, 1), assets)
    replace, done = Path.replace, []

    def cut(self, target):
        if len(done) == renames:
            raise KeyboardInterrupt
        done.append(target)
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            install.install(install.published(mobile, 2), assets)
    assert not (assets / "manifest.json").exists()
    (assets.parent / ".tmp-killed").mkdir()  # what a SIGKILL would have left
    assert install.install(install.published(mobile, 2), assets)
    assert contents(assets) == contents(mobile / "2")
    assert sorted(path.name for path in assets.parent.iterdir()) == [".lock", "assets"]


def test_a_version_that_is_not_there_is_named_with_those_that_are(mobile, tmp_path):
    with pytest.raises(VersionNotFound, match=r"mobile holds no version 7\. Expected one of those that are there: 1, 2\."):
        install.published(mobile, 7)
    with pytest.raises(VersionNotFound, match=r"none holds no version; expected one that a run published"):
        install.published(tmp_path / "none", None)


@pytest.mark.parametrize("name", ["model.tflite", "model_card.json"])
def test_a_changed_file_is_refused_and_nothing_is_copied(mobile, run, assets, name):
    path = mobile / "2" / name
    path.write_bytes(path.read_bytes() + b" ")
    done = run("--mobile", mobile, "--assets", assets)
    assert done.returncode == 1
    assert f"CorruptModel: Version 2 in {mobile}/2 differs from its manifest: {name}." in done.stdout
    assert not assets.exists()


@pytest.mark.parametrize(
    "beside", [CARD.model_copy(update={"threshold": 0.9}).model_dump_json(), "{", ""], ids=["another", "broken", "empty"]
)
def test_a_card_beside_that_is_not_the_one_inside_is_refused(publish, beside):
    with pytest.raises(CorruptModel, match=r"model_card\.json is not the card inside model\.tflite"):
        install.check(install.published(publish(beside=beside), None))


def test_a_version_without_a_card_beside_is_refused(publish, tmp_path):
    mobile = publish()
    (mobile / "1" / "model_card.json").unlink()
    manifest = json.loads((mobile / "1" / "manifest.json").read_text())
    del manifest["files"]["model_card.json"]
    (mobile / "1" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CorruptModel, match=r"1 has no model_card\.json; expected"):
        install.check(install.published(mobile, None))


def test_an_unsigned_version_is_refused_when_a_key_is_given(mobile, run, assets, tmp_path):
    keys = make_keys(tmp_path / "keys")
    flags = ["--mobile", mobile, "--assets", assets, "--public_key", tmp_path / "keys" / PUBLIC]
    done = run(*flags)
    assert done.returncode == 1
    assert done.stdout.startswith("SignatureInvalid: ")
    assert not assets.exists()
    manifest = json.loads((mobile / "2" / "manifest.json").read_text()) | {"model": mobile.name}
    (mobile / "2" / "manifest.json").write_text(json.dumps(manifest))
    sign_version(mobile / "2", keys)
    assert run(*flags).stdout.startswith("Installed version 2 ")
    assert not (assets / SIGNATURE).exists()


@pytest.mark.parametrize("name", ["model.tflite", "model_card.json", "manifest.json"])
def test_what_is_changed_after_the_check_is_not_installed(mobile, assets, name):
    version = install.published(mobile, None)
    install.check(version)
    (version.folder / name).write_bytes((version.folder / name).read_bytes() + b" ")
    with pytest.raises(CorruptModel, match=rf"{re.escape(name)} differs from its manifest: nothing was installed"):
        install.install(version, assets)
    assert contents(assets) == {}


def test_a_kind_that_the_form_does_not_know_is_refused(publish):
    features = [FeatureCard(name="remark", kind="prose", dtype="string"), *CARD.features]
    mobile = publish(CARD.model_copy(update={"features": features}), model({"remark": "string", **INPUTS}))
    with pytest.raises(NotConvertible, match=r"The app cannot ask for remark \(prose\); expected the kinds numeric, "):
        install.check(install.published(mobile, None))


def test_a_card_without_golden_rows_is_refused(publish):
    with pytest.raises(NotConvertible, match=r"has no golden row; expected one or more"):
        install.check(install.published(publish(CARD.model_copy(update={"golden": []})), None))


def test_a_card_without_a_base_rate_is_refused(publish):
    with pytest.raises(NotConvertible, match=r"has no base rate.*an older pipeline published it. Expected a newer one"):
        install.check(install.published(publish(CARD.model_copy(update={"base_rate": None})), None))


def test_a_card_of_another_task_needs_no_base_rate(publish):
    of_number = {"schema_version": 2, "task": "regression", "output": "prediction", "threshold": None, "base_rate": None}
    card = CARD.model_copy(update=of_number)
    assert install.check(install.published(publish(card, model(INPUTS, output="prediction")), None)) == card


@pytest.mark.parametrize(
    "content",
    [
        model({"depot": "string", "weight": "float32"}),
        model({**INPUTS, "weight": "int64"}),
        model(INPUTS, output="score"),
        b"no flatbuffer",
    ],
    ids=["an input less", "another type", "another output", "no model"],
)
def test_a_model_that_is_not_what_its_card_says_is_refused(publish, content):
    with pytest.raises(NotConvertible, match=r"expected \{'depot': 'string', .* and probability, as its card says"):
        install.check(install.published(publish(content=content), None))


def test_a_signature_of_another_name_is_refused(publish):
    with pytest.raises(NotConvertible, match=r"takes \{\} and gives \[\] by its signature predict"):
        install.check(install.published(publish(CARD.model_copy(update={"signature": "predict"})), None))


def test_a_folder_that_cannot_be_made_is_named(mobile):
    with pytest.raises(PublishFailed, match=r"The model could not be copied to /proc/assets"):
        install.install(install.published(mobile, None), Path("/proc/assets"))


def test_the_app_knows_what_is_let_through():
    sources = REPOSITORY / "tflite/android/app/src/main/kotlin/org/crosswind/app/model"
    source = (sources / "Feature.kt").read_text()
    enums = dict(re.findall(r"enum class (\w+) \{ ([\w, ]+) \}", source))
    assert sorted(enums["Kind"].lower().split(", ")) == sorted(install.KINDS)
    assert sorted(enums["Dtype"].lower().split(", ")) == sorted(DTYPES.values())
    widgets = re.findall(r"^    ([A-Z]+),$", source.partition("enum class Widget {")[2], re.MULTILINE)
    assert sorted(name.lower() for name in widgets) == sorted(set(get_args(Form)) - {""})
    [lengths] = re.findall(r"EARTH_RADIUS = mapOf\((.*)\)", (sources / "Place.kt").read_text())
    assert tuple(re.findall(r'"(\w+)"', lengths)) == LENGTHS
    [ends] = re.findall(r"SCHEMA_VERSIONS = (\d+)\.\.(\d+)", (sources / "ModelCard.kt").read_text())
    assert ends == tuple(map(str, get_args(ModelCard.model_fields["schema_version"].annotation)))
    tasks = re.findall(r'"(\w+)" -> Task\.', (sources / "ModelCard.kt").read_text())
    assert tasks == [*TASKS]


def test_a_published_model_of_a_run_goes_in(parcel_runs, run, assets):
    mobile = parcel_runs.mobile
    done = run("--mobile", mobile, "--assets", assets)
    assert done.returncode == 0, done.stdout
    newest = install.published(mobile, None).folder
    assert contents(assets) == {name: (newest / name).read_bytes() for name in install.FILES}
