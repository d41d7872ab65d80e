"""How large and how fast each variant is, beside the server's model in this process and LightGBM on the same rows.

Each is measured in a process of its own, one thread, one row a call. Run: `make bench-tflite`, after a `make run`.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from components.shared import problem_folder
from components.shared.command_line import ended
from components.shared.phone import card as model_card
from components.shared.phone.card import MODEL_FILE, VARIANTS_FOLDER, ModelCard
from data import DEFAULT_PROBLEM
from tflite import rows as raw_rows
from tflite.predict import newest

CALLS = 3000
BATCH = 1024


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.phone_speed", description=__doc__)
    problem_folder.add_option(parser, DEFAULT_PROBLEM)
    parser.add_argument("--root", type=Path, help="of the runs (default: the problem's)")
    parser.add_argument("--spans", type=Path, help="for LightGBM (default: the problem's)")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/tflite.json"), help="default: %(default)s")
    options = parser.parse_args(arguments)
    console = Console(width=140)
    return ended(lambda: measure(options, console), console)


def measure(options: argparse.Namespace, console: Console) -> None:
    """Measure and print each model. Raises CrosswindError if a run's files are not there."""
    root = options.root or problem_folder.root(options.problem)
    model = problem_folder.model_name(options.problem)
    variants = newest(root / "artifacts/MobileExporter/mobile_model") / VARIANTS_FOLDER
    server = newest(root / "serving" / model)
    card = model_card.read(newest(root / "mobile" / model) / MODEL_FILE)
    one = [golden.row for golden in card.golden]
    measured = {path.stem: alone(measure_tflite, path, one, card) for path in sorted(variants.glob("*.tflite"))}
    measured["SavedModel, raw"] = alone(measure_saved_model, server, one, card)
    measured["LightGBM"] = alone(measure_lightgbm, options.spans or options.problem / "spans", one, card)
    console.print(table(measured))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(measured, indent=1) + "\n")


def alone(measure: Callable[..., dict[str, float]], *arguments) -> dict[str, float]:
    """Call `measure` in a new process, so that memory and start are its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, arguments)


def measure_tflite(path: Path, given: list[dict], card: ModelCard) -> dict[str, float]:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 (here and below: in the process that needs it only)

    from components.shared.phone.runtime import SIGNATURE, TFLiteModel, as_input  # noqa: PLC0415

    columns, content = raw_rows.columns(given, card), path.read_bytes()
    one = {name: as_input(column[:1], column.dtype) for name, column in columns.items()}
    many = {name: np.resize(column, BATCH) for name, column in columns.items()}
    model, result = timed(lambda: TFLiteModel(content), TFLiteModel.score_row, one, TFLiteModel.__call__, many)
    runner = Interpreter(model_content=content, num_threads=1).get_signature_runner(SIGNATURE)
    result["runner_us"] = median_seconds(lambda: runner(**one), CALLS) * 1e6
    return result | {"kilobytes": len(content) / 1000, "invoke_us": median_seconds(model.invoke, CALLS) * 1e6}


def measure_saved_model(folder: Path, given: list[dict], card: ModelCard) -> dict[str, float]:
    import tensorflow as tf  # noqa: PLC0415

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    columns = raw_rows.columns(given, card)
    one = {each.name: tf.constant(columns[each.name][:1], each.dtype) for each in card.features}
    many = {each.name: tf.constant(np.resize(columns[each.name], BATCH), each.dtype) for each in card.features}

    def score(raw, rows: dict) -> np.ndarray:
        return raw(**rows)["probability"].numpy()

    _, result = timed(lambda: tf.saved_model.load(str(folder)).signatures["raw"], score, one, score, many)
    return result | {"kilobytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1000}


def measure_lightgbm(spans: Path, given: list[dict], card: ModelCard) -> dict[str, float]:
    import lightgbm  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    train = pd.concat([pd.read_parquet(spans / span) for span in card.window])
    texts = [feature.name for feature in card.features if feature.dtype == "string"]
    known = {name: sorted(train[name].dropna().unique()) for name in texts}

    def codes(frame: pd.DataFrame) -> np.ndarray:
        numbers = {name: pd.Categorical(frame[name], known[name]).codes for name in texts}
        return frame.assign(**numbers)[[feature.name for feature in card.features]].to_numpy("float64")

    def score(booster: lightgbm.Booster, rows: np.ndarray) -> Any:
        return booster.predict(rows, num_threads=1)

    positions = [index for index, feature in enumerate(card.features) if feature.name in known]
    data = lightgbm.Dataset(codes(train), train[card.label].astype(int).to_numpy(), categorical_feature=positions)
    settings = {"objective": "binary", "num_leaves": 15, "learning_rate": 0.03, "verbose": -1}
    text = lightgbm.train(settings, data, 300).model_to_string()
    rows = codes(pd.DataFrame(raw_rows.columns(given, card)))
    many = np.resize(rows, (BATCH, rows.shape[1]))
    _, result = timed(lambda: lightgbm.Booster(model_str=text), score, rows[:1], score, many)
    del result["peak_mb"]  # of the training
    return result | {"kilobytes": len(text) / 1000}


def timed(load: Callable, score: Callable, row: Any, score_many: Callable, rows: Any) -> tuple[Any, dict[str, float]]:
    """Load a model, and time that, the first call with a row, quantiles of later ones, and calls with BATCH rows."""
    before, start = peak_kilobytes(), time.perf_counter()
    model = load()
    result = {"load_ms": (time.perf_counter() - start) * 1e3, "first_ms": clocked(lambda: score(model, row)) * 1e3}
    seconds = [clocked(lambda: score(model, row)) for _ in range(CALLS)]
    quantiles = np.percentile(seconds[CALLS // 10 :], (50, 90, 99)) * 1e6
    result |= dict(zip(("p50_us", "p90_us", "p99_us"), map(float, quantiles), strict=True))
    result["peak_mb"] = (peak_kilobytes() - before) / 1000
    return model, result | {"rows_per_second": BATCH / median_seconds(lambda: score_many(model, rows), 20)}


def clocked(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def median_seconds(call: Callable[[], object], times: int) -> float:
    return float(np.median([clocked(call) for _ in range(times)]))


def peak_kilobytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


COLUMNS = {
    "kilobytes": ("KB", ",.0f"),
    "load_ms": ("load ms", ".1f"),
    "first_ms": ("first ms", ".2f"),
    "p50_us": ("call p50 µs", ",.0f"),
    "p90_us": ("p90 µs", ",.0f"),
    "p99_us": ("p99 µs", ",.0f"),
    "runner_us": ("runner p50 µs", ",.0f"),
    "invoke_us": ("invoke p50 µs", ",.0f"),
    "rows_per_second": ("rows/s", ",.0f"),
    "peak_mb": ("memory MB", ",.1f"),
}


def table(measured: dict[str, dict[str, float]]) -> Table:
    result = Table(
        "model", title=f"One thread, one row a call; rows/s: {BATCH:,} rows a call", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for heading, _ in COLUMNS.values():
        result.add_column(heading, justify="right")
    result.add_column("speed-up", justify="right")
    slow = measured["SavedModel, raw"]["p50_us"]
    for name, figures in measured.items():
        cells = [format(figures[key], style) if key in figures else "-" for key, (_, style) in COLUMNS.items()]
        result.add_row(name, *cells, f"{slow / figures['p50_us']:.1f}")
    return result


if __name__ == "__main__":
    sys.exit(main())
