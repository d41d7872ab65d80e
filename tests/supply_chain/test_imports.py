"""Libraries that are imported alone, in a Python of their own: nothing of TFX has to be imported before them."""

import subprocess
import sys


def test_tfdv_is_imported_alone_and_a_slice_by_sql_is_refused():
    program = (
        "import tensorflow_data_validation\n"
        "from tensorflow_data_validation.utils import slicing_util\n"
        "slicing_util.sql_util.RecordBatchSQLSliceQuery('SELECT', None)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert ended.stderr.strip().endswith(
        "ImportError: tfx-bsl 1.21 has no slices by SQL. Expected slices by feature keys or by slice functions."
    )
