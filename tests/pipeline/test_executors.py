"""Which classes run the nodes that have a twin on columns, and what is said where a twin cannot be loaded."""

import importlib.metadata
import sys
import types

import pytest
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.components.transform.component import Transform

import components.columnar.evaluator.component
import components.columnar.transform.component
from components.columnar.evaluator import combiners
from components.evaluator.component import Evaluator
from components.mobile_evaluator.component import MobileEvaluator
from components.shared import source_code
from components.shared.errors import BadConfig, exit_code
from pipeline import config
from pipeline.dag import create_pipeline
from pipeline.executors import chosen
from pipeline.shared.sections import Components
from tests.newer_release import hide

NODES = [StatisticsGen, Transform, Evaluator, MobileEvaluator]
COLUMNAR, STOCK = Components(executors="columnar"), Components(executors="stock")
TFMA = "tensorflow_model_analysis"
DROPPED = [
    (StatisticsGen, "tensorflow_data_validation.statistics.stats_impl", "get_generators"),
    (Transform, "tfx.components.transform.executor_utils", "MaybeBindCustomConfig"),
    (Evaluator, f"{TFMA}.metrics.example_count", "_ExampleCountCombiner"),
    (Evaluator, f"{TFMA}.metrics.binary_confusion_matrices", "_EPSILON"),
    (Evaluator, f"{TFMA}.metrics.tf_metric_wrapper", "_CompilableMetricsCombiner"),
    (Evaluator, f"{TFMA}.writers.metrics_plots_and_validations_writer", "CombineValidations"),
    (MobileEvaluator, f"{TFMA}.metrics.metric_specs", "to_computations"),
]


@pytest.fixture
def afresh(monkeypatch):
    """Has the room imported again, and what was imported before afterwards."""
    monkeypatch.setattr(components, "columnar", components.columnar)
    for name in [name for name in sys.modules if name.startswith("components.columnar")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("node", NODES)
def test_a_twin_is_the_same_component_with_another_executor_and_other_cache_keys(node):
    assert chosen(node, STOCK) is node
    twin = chosen(node, COLUMNAR)
    assert issubclass(twin, node)
    assert twin.__module__.startswith("components.columnar.")
    assert (twin.__name__, twin.SPEC_CLASS) == (node.__name__, node.SPEC_CLASS)
    assert twin.EXECUTOR_SPEC.class_path != node.EXECUTOR_SPEC.class_path
    assert source_code.digest(f"{twin.__module__}.{twin.__name__}") != source_code.digest(f"{node.__module__}.{node.__name__}")


def test_the_two_dags_have_the_same_nodes_and_differ_in_four_classes(parcels, tmp_path):
    dags = [
        create_pipeline(
            config.load(overrides=[f"run.root={tmp_path}", f"components.executors={name}"], problem=parcels), "2024-03"
        )
        for name in ("columnar", "stock")
    ]
    ours, stock = ({node.id: node for node in dag.components} for dag in dags)
    assert list(ours) == list(stock)
    assert {id_ for id_ in ours if type(ours[id_]) is not type(stock[id_])} == {node.__name__ for node in NODES}
    assert {id_: node.upstream_nodes for id_, node in ours.items()}.keys() == stock.keys()
    for id_, node in ours.items():
        assert {each.id for each in node.upstream_nodes} == {each.id for each in stock[id_].upstream_nodes}
        assert set(node.inputs) == set(stock[id_].inputs)


@pytest.mark.usefixtures("afresh")
@pytest.mark.parametrize(("node", "module", "name"), DROPPED)
def test_a_name_that_a_library_dropped_is_named_with_its_release_and_the_way_out(parcels, node, module, name):
    hide(sys.modules[module], name)
    try:
        with pytest.raises(BadConfig) as caught:
            create_pipeline(config.load(problem=parcels), "2024-03") if node is StatisticsGen else chosen(node, COLUMNAR)
    finally:
        sys.modules[module].__class__ = types.ModuleType
    library = module.partition(".")[0]
    assert f"{library.replace('_', '-')} {importlib.metadata.version(library)} does not have" in str(caught.value)
    assert name in str(caught.value)
    assert 'set components.executors = "stock"' in str(caught.value)
    assert exit_code(caught.value) == 2
    assert chosen(node, STOCK) is node


@pytest.mark.usefixtures("afresh")
@pytest.mark.parametrize(
    ("combiner", "name"), [(kind, name) for kind, each in combiners.ON_COLUMNS.items() for name in each.private]
)
def test_an_attribute_that_a_library_renamed_is_found_before_a_run_too(combiner, name, monkeypatch):
    defined = [kind for kind in combiner.__mro__ if name in vars(kind)]
    for kind in defined:
        monkeypatch.delattr(kind, name)
    if not defined:
        original = combiner.__init__

        def renamed(self, *arguments, **named):
            original(self, *arguments, **named)
            self.__dict__["renamed"] = self.__dict__.pop(name)

        monkeypatch.setattr(combiner, "__init__", renamed)
    with pytest.raises(BadConfig, match=rf"tensorflow-model-analysis [\d.]+ does not have: .*{name}.*components\.executors = "):
        chosen(Evaluator, COLUMNAR)


@pytest.mark.usefixtures("afresh")
def test_an_error_of_the_room_itself_keeps_its_traceback(monkeypatch):
    name = "components.columnar.transform.executor"
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    with pytest.raises(ImportError, match="cannot import name 'Executor'"):
        chosen(Transform, COLUMNAR)
