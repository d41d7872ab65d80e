"""Runs cases of the corpus, one after the other, and prints what came of each as a line of JSON.

`python -m tests.data.child reader|chain FOLDER [CASE …]`: `reader` reads the files as SpanExampleGen does, in seconds;
`chain` runs the components up to the DataGate. The process gets so much address space that a file that takes all of the
machine's memory fails here instead.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd

from components.shared.errors import CrosswindError
from tests import neutral
from tests.data.corpus import CASES
from tests.data.corpus.cases import GOES_ON, ROWS, SPAN, Case
from tests.lists import as_lists
from tests.memory import resident_mb, watched
from tests.neutral import COLUMNS, DATE

ADDRESS_SPACE_BYTES = {"reader": 8 << 30, "chain": 16 << 30}  # TensorFlow alone reserves several gigabytes
EVAL_DAYS = 10


def processes() -> list[Path]:
    """This one and those that it has started, in /proc."""
    this, started = Path("/proc/self"), []
    for task in (this / "task").iterdir():
        with suppress(OSError):  # the thread has ended
            started += [Path("/proc") / number for number in (task / "children").read_text().split()]
    return [this, *(process for process in started if _is_another_program(process))]


def _is_another_program(process: Path) -> bool:
    """Before it is one, after vfork, its memory is that of this process."""
    with suppress(OSError):
        return (process / "cmdline").read_bytes() != Path("/proc/self/cmdline").read_bytes()
    return False


def memory_mb(name: str) -> float:
    """`resident_mb` of all `processes` together."""
    return sum(resident_mb(name, process.name) for process in processes())


def forget_peak() -> None:
    for process in processes():
        (process / "clear_refs").write_text("5")


def read(spans_folder: Path, span: str, work: Path) -> None:
    """What SpanExampleGen does with each file, but for writing."""
    from components.shared import spans  # noqa: PLC0415
    from components.shared.units import Unit  # noqa: PLC0415
    from components.span_example_gen import executor, reader  # noqa: PLC0415

    count = 0
    days: dict[str, set[str]] = {split: set() for split in spans.SPLITS}
    present = spans.listing(spans_folder, Unit.MONTH)
    evaluated_from = Unit.MONTH.evaluated_from(span, EVAL_DAYS, 0)
    for path in spans.chosen(present, [span], spans_folder)[span]:
        for batch in reader.read(path, COLUMNS, DATE):
            count += batch.num_rows
            reader.check_dates(batch, DATE, span)
            reader.row_hashes(batch)
            for split, rows in reader.split_by_time(batch, DATE, evaluated_from).items():
                days[split].update(reader.block_counts(rows, DATE))
                as_lists(rows)
    executor.check_rows({span: count}, str(spans_folder))
    executor.check_splits(days, executor.split_blocks(Unit.MONTH, [span], evaluated_from))


def run(case: Case, rows: pd.DataFrame, folder: Path, ingest: Callable[[Path, str, Path], object]) -> dict[str, object]:
    """Writes the case below `folder`, ingests it, and says what came of it."""
    month = folder / "spans" / SPAN
    month.mkdir(parents=True)
    case.write(month, rows)
    forget_peak()
    before, start = memory_mb("VmRSS"), time.perf_counter()
    outcome, text, peaks = GOES_ON, "", [before]
    # Each time that one looks: of a process that ends nobody knows its peak afterwards.
    with watched(lambda: peaks.append(memory_mb("VmHWM")), 0.01):
        try:
            ingest(folder / "spans", case.span, folder)
        except CrosswindError as error:
            outcome, text = type(error).__name__, str(error)
        except Exception as error:
            outcome, text = f"not ours: {type(error).__name__}", str(error)
    seconds, taken = time.perf_counter() - start, max(peaks) - before
    return {"case": case.name, "outcome": outcome, "text": text, "seconds": round(seconds, 2), "mb": round(taken, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.data.child", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=ADDRESS_SPACE_BYTES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="*", help="names (default: all)")
    options = parser.parse_args()
    rows = neutral.rows((SPAN,), ROWS).sort_values(DATE, ignore_index=True)
    rows = rows.assign(**{DATE: rows[DATE].dt.date})
    ingest = read
    if options.what == "chain":
        from tests.data.chain import ingest  # noqa: PLC0415
    else:
        from components.span_example_gen import executor  # noqa: F401, PLC0415 (not within the first case's time)
    limit = ADDRESS_SPACE_BYTES[options.what]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number, case in enumerate(CASES):
        if not options.cases or case.name in options.cases:
            print(json.dumps(run(case, rows, options.folder / str(number), ingest)), flush=True)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
