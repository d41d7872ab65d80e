"""Limits of what one file may use of this machine, and of how its words are shown. A real month stays far below each."""

MAX_MEMORY_BYTES = 768 << 20  # of the process that reads it, beyond what that has at its start
MAX_COLUMNS = 2_000  # also the depth of a nested Parquet schema, which Arrow walks by recursion
MAX_ROWS = 5_000_000
MAX_TEXT_BYTES = 256  # of a category, or of a date
MAX_BATCH_TEXT_BYTES = 8 << 20  # of the rows that are held at once
MAX_BATCH_VALUES = 4 << 20  # of all columns, likewise
MAX_HEADER_BYTES = 1 << 20  # of a CSV file's first line
MAX_FOOTER_STRING_BYTES = 4 << 20  # of a text in a Parquet file's description of itself
MAX_FOOTER_ITEMS = 16_384  # of a list there: the row groups, the columns of one
