"""Every case of the corpus through the reader, in a process with bounded memory; `make test-hostile` has the components."""

import pytest

from components.span_example_gen import reader
from tests.data import children, crafted
from tests.data.corpus import CASES
from tests.neutral import COLUMNS, DATE


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return children.results("reader", tmp_path_factory.mktemp("corpus"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_with_one_clear_error_or_read_as_it_is(results, case):
    children.check(case, results, at_the_gate="goes on", megabytes=900, seconds=20)


def test_a_crafted_file_that_does_not_lie_is_whole(tmp_path):
    """What the crafted cases are refused for is their lie."""
    (tmp_path / "parcels.parquet").write_bytes(crafted.parquet(COLUMNS | {DATE: "date"}, crafted.Lies()))
    [batch] = reader.read(tmp_path / "parcels.parquet", COLUMNS, DATE)
    assert batch.num_rows == 2
    assert batch.column("shop").to_pylist() == ["UA", "UA"]
