"""How much of this machine one file may take, and how its words are shown. A real month stays far below each limit."""

MAX_COLUMNS = 2_000  # also the depth of a nested Parquet schema, which Arrow walks by recursion
MAX_ROWS = 5_000_000
MAX_TEXT_BYTES = 256  # of a category, or of a date
MAX_BATCH_TEXT_BYTES = 8 << 20  # of the rows that are held at once
MAX_DICTIONARY_BYTES = 32 << 20  # of a Parquet file's columns that are dictionaries by Arrow's own schema
MAX_DICTIONARY_VALUES = 65_536  # of a row group of fewer rows
MAX_NUMBER_BYTES = 32  # those of the longest decimal
MAX_HEADER_BYTES = 1 << 20  # of a CSV file's first line
MAX_FOOTER_BYTES = 4 << 20  # of a Parquet file
MAX_GROUP_BYTES = 256 << 20  # what Arrow holds of a Parquet row group: its compressed columns, and a page of each
MAX_PAGES = 100_000  # of a Parquet file
MAX_PAGE_HEADER_BYTES = 1 << 14  # far more than its statistics take: the least and the largest value, each twice
MAX_PAGE_HEADERS_BYTES = 32 << 20  # of a Parquet file's pages together
