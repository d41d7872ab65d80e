"""Stand where tfx-bsl had its slices by SQL, until it dropped ZetaSQL: TensorFlow Data Validation 1.16 imports this module.

`import tfx` puts a mock in its place where it is missing, which makes every query an empty slice without a word.
"""


class RecordBatchSQLSliceQuery:
    """Refuse a query: slice by features or by functions instead."""

    def __init__(self, *_: object):
        raise ImportError("tfx-bsl 1.21 has no slices by SQL. Expected slices by feature keys or by slice functions.")
