"""Our StatisticsGen and TFX's own on the same rows, each on the real Beam runner."""

from pathlib import Path

import pytest
from tfx.components.statistics_gen.component import StatisticsGen as Stock
from tfx.types import standard_artifacts
from tfx.types.channel_utils import as_channel

from tensorflow_data_validation import StatsOptions  # isort: skip  # after tfx

from components.columnar.statistics_gen.component import StatisticsGen
from components.shared.errors import BadConfig, BadData
from tests.beam import nodes, outputs
from tests.neutral import COLUMNS


def statistics(component, examples, options, folder):
    node = component(as_channel([examples]), stats_options=options)
    return nodes.run(node, {"examples": examples}, folder, nodes.LOCAL)["statistics"]


def test_every_figure_is_the_stock_components(examples, tmp_path):
    options = StatsOptions(num_histogram_buckets=50)
    stock, ours = (
        statistics(component, examples, options, tmp_path / name)
        for name, component in (("stock", Stock), ("ours", StatisticsGen))
    )
    assert ours.split_names == stock.split_names
    for split in ("train", "eval"):
        expected, found = (
            outputs.statistics(Path(artifact.uri) / f"Split-{split}" / "FeatureStats.pb") for artifact in (stock, ours)
        )
        assert set(found["features"]) == set(COLUMNS)
        assert outputs.differences(expected, found) == []


@pytest.mark.parametrize("option", [{"sample_rate": 0.5}, {"feature_allowlist": ["returned"]}, {"label_feature": "returned"}])
def test_an_option_that_would_not_count_everything_is_refused(examples, option):
    [name] = option
    with pytest.raises(BadConfig, match=f"StatsOptions has {name}.*Leave it out"):
        StatisticsGen(as_channel([examples]), stats_options=StatsOptions(**option))


def test_examples_of_another_kind_are_refused(examples, tmp_path):
    other = standard_artifacts.Examples()
    other.copy_from(examples)
    other.set_string_custom_property("payload_format", "FORMAT_PROTO")
    with pytest.raises(BadData, match="holds FORMAT_PROTO; expected FORMAT_TF_EXAMPLE"):
        statistics(StatisticsGen, other, None, tmp_path)
