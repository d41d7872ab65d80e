"""Made rows as SpanExampleGen writes them, for the nodes on columns and for TFX's own beside them."""

import pytest

from components.span_example_gen.component import SpanExampleGen
from tests.beam import nodes
from tests.neutral import COLUMNS, DATE


@pytest.fixture(scope="session")
def examples(parcels, tmp_path_factory):
    """January to March: three files to learn from, one to evaluate with."""
    node = SpanExampleGen(
        spans_folder=str(parcels / "spans"),
        unit="month",
        max_gaps=0,
        eval_spans=0,
        eval_share=0.2,
        span="2024-03",
        window=3,
        eval_days=10,
        complete_after_days=3,
        columns=COLUMNS,
        ignore_columns=[],
        missing=[],
        date=DATE,
    )
    return nodes.run(node, {}, tmp_path_factory.mktemp("examples"), nodes.LOCAL)["examples"]
