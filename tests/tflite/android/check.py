"""Checks the Android app without Android: its Kotlin on the JVM through TensorFlow Lite's own JNI, its screens, its APK.

Run: `make test-android`, after a `make run`. Everything it writes is below tests/tflite/android/target.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console

from components.model_store.store import Version
from components.shared import problem_folder, spans, units
from components.shared.errors import CrosswindError, SpanNotFound
from components.shared.phone.card import ModelCard, Value
from components.span_example_gen import reader
from data import DEFAULT_PROBLEM
from tests.tflite.android import resources
from tests.tflite.android.tools import ToolFailed, artifact, require, run
from tflite import install
from tflite import rows as raw_rows

HERE = Path(__file__).parent
TARGET = HERE / "target"
ROWS = 500
SEED = 1
TYPED = ("", "number", "percent")  # forms that start with a typical number
MEASURED = "measured: "  # begins a line of PredictorTest that a person wants to see
UNSEEN = ("XX", "Zürich ✈ 東京", "__missing__", "UA ", "ua")  # in no domain


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 when something is missing or a check failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.tflite.android.check", description=__doc__)
    problem_folder.add_option(parser, DEFAULT_PROBLEM)
    parser.add_argument("--mobile", type=Path, help="the published versions (default: the problem's)")
    parser.add_argument("--spans", type=Path, help="the real rows (default: the problem's)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        require()
        mobile = options.mobile or problem_folder.published(options.problem, "mobile")
        version = install.published(mobile, None)
        card = install.check(version)
        prepare(version, card, options.spans or options.problem / "spans")
        console.print(f"Version {version.number} of {card.model} ({card.variant}) on the JVM ...")
        output = run("mvn", "--batch-mode", "--quiet", "--file", HERE / "pom.xml", "test")
        tests = ran(TARGET / "surefire-reports")
    except CrosswindError as error:
        console.print(f"[red bold]{type(error).__name__}:[/] ", end="")
        console.print(str(error), markup=False)
        return 1
    for name, count in tests.items():
        console.print(f"  {count:3} {name}")
    for line in output.splitlines():
        if MEASURED in line:
            console.print(f"  {line.partition(MEASURED)[2]}")
    console.print(f"{sum(tests.values())} tests passed; screenshots are in {os.path.relpath(TARGET / 'screenshots')}")
    environment = os.environ | {"MOBILE": str(mobile)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", HERE / "apk_checks.py"], env=environment, check=False
    ).returncode


def prepare(version: Version, card: ModelCard, folder: Path) -> None:
    """Leaves in TARGET what the tests read, and nothing of an earlier run.

    Raises:
        SpanNotFound: the model's evaluation rows are not in `folder`.
        ToolMissing, ToolFailed: see `resources.link`.
    """
    for stale in ("assets", "gen", "classes", "test-classes", "surefire-reports", "screenshots"):
        shutil.rmtree(TARGET / stale, ignore_errors=True)
    install.install(version, TARGET / "assets")
    (TARGET / "rows.json").write_text(json.dumps(scored(version, card, folder)), encoding="utf-8")
    for library in ("tensorflow-lite", "tensorflow-lite-api"):
        with zipfile.ZipFile(artifact(library, TARGET / "artifacts")) as archive:
            (TARGET / f"{library}.jar").write_bytes(archive.read("classes.jar"))
    linked = resources.link(TARGET)
    assets = {path.name: path.read_bytes() for path in (TARGET / "assets").iterdir()}
    with_assets(linked, assets, TARGET / "screens.apk")
    with_assets(linked, assets | {install.MODEL: damaged(assets[install.MODEL])}, TARGET / "damaged.apk")


def with_assets(linked: Path, assets: Mapping[str, bytes], apk: Path) -> None:
    """Robolectric reads an app's assets where a phone does, in the APK: uncompressed, so that the model can be mapped."""
    shutil.copyfile(linked, apk)
    with zipfile.ZipFile(apk, "a", zipfile.ZIP_STORED) as archive:
        for name, content in assets.items():
            archive.writestr(f"assets/{name}", content)


def damaged(model: bytes) -> bytes:
    """The file with one byte changed, in its middle."""
    middle = len(model) // 2
    return model[:middle] + bytes([model[middle] ^ 1]) + model[middle + 1 :]


def scored(version: Version, card: ModelCard, folder: Path) -> dict[str, list[dict]]:
    """Rows with the scores that Python gets for them from the file.

    Returns:
        "evaluation": real rows; "odd": those that a form can give and training never saw; "needed": what a form gives of
        which only what must be was entered; "no_text": one without the first text, which a card with an optional one allows.

    Raises:
        SpanNotFound: the span of the model's evaluation rows is not in `folder`.
    """
    from components.shared.phone.runtime import TFLiteModel  # noqa: PLC0415

    model = TFLiteModel((version.folder / install.MODEL).read_bytes())

    def with_scores(rows: list[dict[str, Value]]) -> list[dict]:
        scores = model(raw_rows.columns(rows, card))
        return [{"row": row, "score": np.atleast_1d(score).tolist()} for row, score in zip(rows, scores, strict=True)]

    texts = [feature.name for feature in card.features if feature.dtype == "string"][:1]
    optional = card.model_copy(update={"features": [each.model_copy(update={"optional": True}) for each in card.features]})
    nothing = {text: model(raw_rows.columns([card.golden[0].row | {text: None}], optional))[0] for text in texts}
    return {
        "evaluation": with_scores(evaluation_rows(version, card, folder)),
        "odd": with_scores(odd_rows(card)),
        "needed": with_scores(needed_rows(card)),
        "no_text": [
            {"row": card.golden[0].row | {text: None}, "score": np.atleast_1d(score).tolist()}
            for text, score in nothing.items()
        ],
    }


def evaluation_rows(version: Version, card: ModelCard, folder: Path) -> list[dict[str, Value]]:
    """Of the rows that the model was evaluated on, at most ROWS, at random; None where a value is missing."""
    if not (folder / card.span).is_dir():
        raise SpanNotFound(
            f"{folder} has no span {card.span}, which the model was evaluated on. Run `make data`, or use --spans."
        )
    columns = {feature.name: feature.dtype for feature in card.features}
    configuration = version.manifest.configuration
    data = configuration["data"]
    first = units.of(card.span).evaluated_from(card.span, data["eval_days"], data["eval_spans"])
    ignored, date = [card.label, *data["ignore_columns"]], configuration["problem"]["date"]
    batches = [
        reader.split_by_time(batch, date, first)["eval"]
        for path in spans.files(folder, [card.span])[card.span]
        for batch in reader.read(path, columns, date, ignored)
    ]
    table = pa.Table.from_batches(batches).drop_columns([date])
    rows = min(ROWS, table.num_rows)
    return table.take(np.random.default_rng(SEED).choice(table.num_rows, rows, replace=False)).to_pylist()


def odd_rows(card: ModelCard) -> list[dict[str, Value]]:
    """The first golden row with texts that training never saw, with numbers at their ends, and without what may be missing, one
    by one, in pairs, and all."""
    row = card.golden[0].row
    texts = [feature.name for feature in card.features if feature.dtype == "string"]
    numbers = [feature for feature in card.features if feature.dtype != "string"]
    optional = [feature.name for feature in card.features if feature.optional]
    missing = [names for count in (1, 2, len(optional)) for names in combinations(optional, count)]
    ends = [
        row | {feature.name: int(end) if feature.dtype == "int64" else end}
        for feature in numbers
        for end in (feature.minimum, feature.maximum)
        if end is not None
    ]
    return (
        [row | {name: unseen} for name in texts for unseen in UNSEEN] + ends + [row | dict.fromkeys(names) for names in missing]
    )


def needed_rows(card: ModelCard) -> list[dict[str, Value]]:
    """The first golden rows as a form gives them when what need not be is not entered: missing, or typical."""
    unknown = {feature.name: None for feature in card.features if feature.optional}
    typical = {
        feature.name: round(feature.typical, 4 if feature.form == "percent" else 2)
        for feature in card.features
        if feature.typical is not None and not feature.optional and feature.form in TYPED
    }
    return [golden.row | unknown | typical for golden in card.golden[:5]]


def ran(reports: Path) -> dict[str, int]:
    """Class of tests -> how many ran. Raises ToolFailed if none did."""
    suites = [ET.parse(path).getroot() for path in sorted(reports.glob("TEST-*.xml"))]  # noqa: S314 (Maven's own file)
    if not suites:
        raise ToolFailed(f"Maven wrote no report to {reports}; expected that of the app's tests.")
    return {suite.attrib["name"].rpartition(".")[2]: int(suite.attrib["tests"]) for suite in suites}


if __name__ == "__main__":
    sys.exit(main())
