"""Score raw rows with a published .tflite file, with LiteRT alone, as the phone does."""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.prompt import Prompt

from components.model_store import store
from components.model_store.manifest import MANIFEST, decoded, unreadable
from components.shared import answers, json_rows, problem_folder, table_columns
from components.shared.command_line import ended, file, quiet_stderr
from components.shared.errors import BadData, CorruptModel, VersionNotFound
from components.shared.files import sha256
from components.shared.phone import card as model_card
from components.shared.phone.card import MODEL_FILE, ModelCard, Value
from components.shared.phone.runtime import TFLiteModel
from components.shared.tasks import TASKS
from data import DEFAULT_PROBLEM
from tflite import rows


def main(arguments: list[str] | None = None) -> int:
    """Run the command, and return an `Exit`."""
    parser = argparse.ArgumentParser(prog="python -m tflite.predict", description=__doc__)
    problem_folder.add_option(parser, DEFAULT_PROBLEM)
    parser.add_argument("--model", type=file, help="the file (default: that of the problem's newest version)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--json", type=file, help="a row as an object of field to value, a list of rows, or a request body")
    source.add_argument("--csv", type=file, help="rows with a header; without either it asks for one row")
    parser.add_argument("--missing", action="append", default=[], help="also means a missing value in --csv, unless quoted")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True, stderr=True)
    return ended(lambda: act(options, console), console)


def act(options: argparse.Namespace, console: Console) -> None:
    """Print the answers. Raises VersionNotFound, CorruptModel, or BadData for a row."""
    mobile = problem_folder.published(options.problem, "mobile")
    path = options.model or newest(mobile, " Or name a --model.") / MODEL_FILE
    card = verified(path, console)
    if options.json:
        given = json_rows.read(options.json)
    elif options.csv:
        given = rows.from_csv(options.csv, card, options.missing)
    else:
        given = [ask(card, console)]
    with quiet_stderr():  # TensorFlow Lite announces its delegate
        model = TFLiteModel(path.read_bytes())
    with table_columns.explained(options.problem):
        answer(given, model, card, as_csv=bool(options.csv))


def newest(folder: Path, otherwise: str = "") -> Path:
    """Return the folder of the highest version. Raises VersionNotFound if there is none, saying what to do otherwise."""
    numbers = store.versions(folder)
    if not numbers:
        raise VersionNotFound(f"{folder} holds no version; expected one that a run published.{otherwise}")
    return folder / str(numbers[-1])


def verified(path: Path, console: Console) -> ModelCard:
    """Read the card of a file that is as it was published. Raises CorruptModel."""
    try:
        manifest = decoded((path.parent / MANIFEST).read_bytes(), path.parent / MANIFEST)
    except FileNotFoundError:
        console.print(f"[yellow]There is no manifest beside {path.name}: it was not verified.[/]")
        return model_card.read(path)
    except OSError as error:
        raise unreadable(path.parent / MANIFEST, error) from error
    expected = manifest.files.get(path.name)
    if not expected or (path.is_file() and sha256(path) != expected):
        raise CorruptModel(f"{path} differs from its manifest; expected SHA-256 {expected}. Publish it again, or roll back.")
    return model_card.read(path)


def ask(card: ModelCard, console: Console) -> dict[str, Value]:
    """Ask for one row, field by field, until each answer is allowed. Raises BadData when the input ends."""
    row: dict[str, Value] = {}
    for feature in card.features:
        hint = rows.allowed(feature) + (", empty if unknown" if feature.optional else "")
        while True:
            try:
                text = Prompt.ask(f"{feature.label} ({hint})", console=console, default="", show_default=False)
            except EOFError as error:
                raise BadData(f"the input ended at {feature.name}; expected an answer to each question.") from error
            try:
                row[feature.name] = rows.parse(feature, text)
                rows.checked(feature, row[feature.name])
                break
            except BadData as error:
                console.print(str(error), markup=False)
    return row


def answer(given: list[dict[str, Value]], model: TFLiteModel, card: ModelCard, as_csv: bool) -> None:
    """Print a sentence for each row, or with `as_csv` the rows with one more column, or one a class."""
    found = model(rows.columns(given, card))
    if not as_csv:
        for each in found:
            print(sentence(each, card))  # noqa: T201
        return
    ends = (card.interval.low, card.interval.high) if card.interval else None
    added, form = answers.names(card.output, card.classes, ends), ".6f" if TASKS[card.task].bounded else ".9g"
    found = answers.with_ends(found, ends).reshape(len(given), -1)
    writer = csv.DictWriter(sys.stdout, [*given[0], *added], lineterminator="\n")
    writer.writeheader()
    for row, each in zip(given, found, strict=True):
        writer.writerow(row | {name: format(value, form) for name, value in zip(added, each, strict=True)})


def sentence(answer: np.ndarray, card: ModelCard) -> str:
    """Say an answer in the card's words."""
    if card.threshold is not None:
        verdict = card.words.positive if answer >= card.threshold else card.words.negative
        return f"{answers.in_words(answer, card.output, [])}: {verdict} (threshold {card.threshold:g})"
    if card.classes:
        return f"{card.words.answer}: {answers.in_words(answer, card.output, card.classes)}"
    said = f"{card.words.answer}: {answers.figure(float(answer))} {card.words.unit}".rstrip()
    if card.interval is None:
        return said
    low, high = (answers.figure(float(answer) + end) for end in (card.interval.low, card.interval.high))
    return f"{said} (in {card.interval.share:.0%} of such cases from {low} to {high})"


if __name__ == "__main__":
    sys.exit(main())
