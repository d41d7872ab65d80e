"""Read one Parquet or CSV file of this machine as Arrow RecordBatches of declared columns. Imports little: it starts often."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from components.shared import values
from components.shared.errors import BadData
from components.shared.words import shown
from components.span_example_gen import csv_faults, csv_file, parquet_file
from components.span_example_gen.columns import ARROW_TYPES, conform
from components.span_example_gen.limits import MAX_ROWS


def schema_of(columns: Mapping[str, str], date: str) -> pa.Schema:
    """Make the schema of what is read: `columns`, and `date` as date32."""
    return pa.schema([(name, ARROW_TYPES[dtype]) for name, dtype in columns.items()] + [(date, pa.date32())])


def read(path: Path, schema: pa.Schema, ignored: Collection[str], missing: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows in batches; see `reader.read`, which calls this in another process. Raises BadData."""
    suffix = path.suffix.lower()
    is_parquet = suffix == ".parquet"
    rows = 0
    try:
        batches = (
            parquet_file.batches(path, schema, ignored) if is_parquet else csv_file.batches(path, schema, ignored, missing)
        )
        for batch in batches:
            if rows + batch.num_rows > MAX_ROWS:
                raise BadData(f"more than {MAX_ROWS:,} rows; expected at most as many in a file. Write several files.")
            yield conform(batch, schema)
            rows += batch.num_rows
    except values.Unfit as error:
        row = rows + error.row
        where = f"row {row + 1:,}" if is_parquet else csv_faults.place(path, schema.names, row)
        raise BadData(f"{path}, {where}: {error}.") from error
    except MemoryError:
        raise
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise BadData(
            f"{path} cannot be read: {shown(str(error))}. "
            f"Expected a whole, UTF-8 {suffix[1:]} file whose values have the declared types."
        ) from error
    except BadData as error:
        raise BadData(f"{path}: {error}") from error
