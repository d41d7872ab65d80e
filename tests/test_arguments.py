"""The arguments of pytest are not for the libraries under test: TFX has absl read them, whose -v wants a number."""

import sys


def test_this_process_has_no_arguments():
    assert len(sys.argv) == 1
