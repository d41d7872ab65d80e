"""Hostile and broken spans, each made from good rows: what it breaks, and what must come of it."""

from tests.data.corpus import csv_files, folders, parquet_files, types_and_values

CASES = [
    *types_and_values.TYPES,
    *types_and_values.VALUES,
    *types_and_values.NAMES,
    *parquet_files.PARQUET,
    *csv_files.CSV,
    *folders.FILES,
]
