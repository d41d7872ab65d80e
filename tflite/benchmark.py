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

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from components.shared import problem_folder
from components.shared.command_line import ended
from components.shared.errors import SpanNotFound
from components.shared.phone import card as model_card
from components.shared.phone.card import MODEL_FILE, VARIANTS_FOLDER, ModelCard
from data import DEFAULT_PROBLEM
from tflite import rows as raw_rows

CALLS = 3000
BATCH = 1024


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tflite.benchmark", description=__doc__)
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


def newest(folder: Path) -> Path:
    """Return the entry with the highest number. Raises SpanNotFound if there is none."""
    numbered = [path for path in folder.glob("[0-9]*") if path.name.isdecimal()]
    if not numbered:
        raise SpanNotFound(f"{folder} is empty; expected what a run leaves there. Run `make run` first.")
    return max(numbered, key=lambda path: int(path.name))


def alone(measure: Callable[..., dict[str, float]], *arguments) -> dict[str, float]:
    """Call `measure` in a new process, so that memory and start are its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, arguments)


def measure_tflite(path: Path, given: list[dict], card: ModelCard) -> dict[str, float]:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 (here and below: in the process that needs it only)

    from components.shared.phone.runtime import SIGNATURE, TFLiteModel, as_input  # noqa: PLC0415

    columns = raw_rows.columns([raw_rows.check(row, card) for row in given], card)
    before = peak_kilobytes()
    content = path.read_bytes()
    start = time.perf_counter()
    model = TFLiteModel(content)
    load = time.perf_counter() - start
    one = {name: as_input(columns[name][:1], dtype) for name, dtype in model.dtypes.items()}
    result = timings(model.score_row, one) | {"load_ms": load * 1e3, "kilobytes": len(content) / 1000}
    result["peak_mb"] = (peak_kilobytes() - before) / 1000
    many = {name: np.resize(column, BATCH) for name, column in columns.items()}
    result["rows_per_second"] = BATCH / median_seconds(lambda: model(many), 5)
    interpreter = Interpreter(model_content=content, num_threads=1)
    runner = interpreter.get_signature_runner(SIGNATURE)
    result["runner_us"] = median_seconds(lambda: runner(**one), CALLS) * 1e6
    return result | {"invoke_us": median_seconds(model.invoke, CALLS) * 1e6}


def measure_saved_model(folder: Path, given: list[dict], card: ModelCard) -> dict[str, float]:
    import tensorflow as tf  # noqa: PLC0415

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    columns = raw_rows.columns([raw_rows.check(row, card) for row in given], card)
    tensors = {feature.name: tf.constant(columns[feature.name][:1], feature.dtype) for feature in card.features}
    many = {f.name: tf.constant(np.resize(columns[f.name], BATCH), f.dtype) for f in card.features}
    before = peak_kilobytes()
    start = time.perf_counter()
    model = tf.saved_model.load(str(folder))
    raw = model.signatures["raw"]
    load = time.perf_counter() - start
    result = timings(lambda row: raw(**row)["probability"].numpy(), tensors) | {"load_ms": load * 1e3}
    result["peak_mb"] = (peak_kilobytes() - before) / 1000
    result["kilobytes"] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1000

    def score_many() -> np.ndarray:
        return raw(**many)["probability"].numpy()

    return result | {"rows_per_second": BATCH / median_seconds(score_many, 20)}


def measure_lightgbm(spans: Path, given: list[dict], card: ModelCard) -> dict[str, float]:
    import lightgbm  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    train = pd.concat([pd.read_parquet(spans / span) for span in card.window])
    columns = raw_rows.columns([raw_rows.check(row, card) for row in given], card)
    texts = [feature.name for feature in card.features if feature.dtype == "string"]
    known = {name: sorted(train[name].dropna().unique()) for name in texts}

    def codes(frame: pd.DataFrame) -> np.ndarray:
        return np.stack(
            [
                pd.Categorical(frame[f.name], known[f.name]).codes if f.name in known else frame[f.name].astype("float64")
                for f in card.features
            ],
            axis=1,
        )

    data = lightgbm.Dataset(
        codes(train),
        train[card.label].astype(int).to_numpy(),
        categorical_feature=[index for index, feature in enumerate(card.features) if feature.name in known],
    )
    booster = lightgbm.train({"objective": "binary", "num_leaves": 15, "learning_rate": 0.03, "verbose": -1}, data, 300)
    text = booster.model_to_string()
    start = time.perf_counter()
    booster = lightgbm.Booster(model_str=text)
    load = time.perf_counter() - start
    encoded = codes(pd.DataFrame(columns))
    result = timings(lambda row: booster.predict(row, num_threads=1), encoded[:1]) | {"load_ms": load * 1e3}
    result["kilobytes"] = len(text) / 1000
    many = np.resize(encoded, (BATCH, encoded.shape[1]))
    return result | {"rows_per_second": BATCH / median_seconds(lambda: booster.predict(many, num_threads=1), 20)}


def timings(score: Callable, row) -> dict[str, float]:
    """Time the first call, in milliseconds, and return quantiles of later ones, in microseconds."""
    start = time.perf_counter()
    score(row)
    first = time.perf_counter() - start
    seconds = [clocked(lambda: score(row)) for _ in range(CALLS)]
    quantiles = np.percentile(seconds[CALLS // 10 :], (50, 90, 99)) * 1e6
    return {"first_ms": first * 1e3} | dict(zip(("p50_us", "p90_us", "p99_us"), map(float, quantiles), strict=True))


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
