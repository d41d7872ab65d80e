"""Our StatisticsGen and TFX's own on the same real rows, each on the real Beam runner."""

from pathlib import Path

import pytest
from tfx.components.statistics_gen.component import StatisticsGen as Stock
from tfx.types.channel_utils import as_channel

from tensorflow_data_validation import StatsOptions  # isort: skip  # behind tfx

from components.span_example_gen.component import SpanExampleGen
from components.statistics_gen.component import StatisticsGen
from pipeline.features import COLUMNS, DATE
from tests.beam import nodes, outputs

ARGUMENTS = ["--runner=FnApiRunner", "--sdk_container_image=none"]


@pytest.fixture(scope="module")
def examples(few_spans, tmp_path_factory):
    node = SpanExampleGen(
        spans_folder=str(few_spans), span="2013-03", window=3, eval_days=10, columns=COLUMNS, ignore_columns=[], date=DATE
    )
    return nodes.run(node, {}, tmp_path_factory.mktemp("examples"), ARGUMENTS)["examples"]


def statistics(component, examples, options, folder):
    node = component(as_channel([examples]), stats_options=options)
    return nodes.run(node, {"examples": examples}, folder, ARGUMENTS)["statistics"]


@pytest.mark.parametrize("sketches", [False, True])
def test_every_figure_is_the_stock_components(examples, tmp_path, sketches):
    options = StatsOptions(num_histogram_buckets=50, experimental_use_sketch_based_topk_uniques=sketches)
    stock = statistics(Stock, examples, StatsOptions(num_histogram_buckets=50), tmp_path / "stock")
    ours = statistics(StatisticsGen, examples, options, tmp_path / "ours")
    assert ours.split_names == stock.split_names
    for split in ("train", "eval"):
        expected, found = (
            outputs.statistics(Path(artifact.uri) / f"Split-{split}" / "FeatureStats.pb") for artifact in (stock, ours)
        )
        assert set(found["features"]) == set(COLUMNS)
        assert outputs.differences(expected, found) == []
