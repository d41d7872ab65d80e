import json

import numpy as np
import pytest

from components.mobile_evaluator import parity
from components.shared.phone import parity_report


def test_slices_that_differ_are_named_and_small_ones_are_not():
    server = {name: {"example_count": rows, "auc": 0.7, "loss": 0.5} for name, rows in (("overall", 900), ("shop=books", 90))}
    mobile = {name: metrics | {"auc": 0.6, "loss": 0.5001} for name, metrics in server.items()}
    [reason] = parity.worse_slices(mobile, server, {"auc": 0.001, "loss": 0.001}, 100)
    assert reason == "overall: auc of the file is 0.60000, of the server's model is 0.70000; expected them within 0.001"
    assert parity.worse_slices(server, server, {"auc": 0.001, "loss": 0.001}, 1) == []
    assert len(parity.worse_slices(mobile, server, {"auc": 0.001}, 90)) == 2
    at_the_limit = {name: metrics | {"loss": 0.75} for name, metrics in server.items()}
    assert parity.worse_slices(at_the_limit, server, {"loss": 0.25}, 1) == []


def test_a_metric_without_a_value_in_one_of_two_differs():
    whole, without = ({"overall": {"example_count": 900, "auc": 0.7} | loss} for loss in ({"loss": 0.5}, {}))
    infinite = {"overall": whole["overall"] | {"loss": float("inf")}}
    limits = {"auc": 0.001, "loss": 0.001}
    of_file = "overall: loss of the file has no value, of the server's model is 0.50000; expected them within 0.001"
    of_server = "overall: loss of the file is 0.50000, of the server's model has no value; expected them within 0.001"
    assert parity.worse_slices(without, whole, limits, 100) == [of_file]
    assert parity.worse_slices(infinite, whole, limits, 100) == [of_file]
    assert parity.worse_slices(whole, without, limits, 100) == [of_server]
    assert parity.worse_slices(without, without, limits, 100) == parity.worse_slices(infinite, infinite, limits, 100) == []


def test_the_worst_row_is_that_of_the_larger_difference_or_of_no_number():
    names = ["whole", "x missing"]
    assert parity.worst({True: np.array([0.2, 0.1]), False: np.array([0.1, 0.9])}, names) == "x missing, without XNNPACK"
    assert parity.worst({True: np.array([np.nan, 0.7]), False: np.array([0.1, 0.9])}, names) == "whole, with XNNPACK"


@pytest.mark.parametrize(("limit", "holds"), [(None, True), (0.1, True), (0.01, False)])
def test_a_variant_that_does_not_ship_has_no_limit(limit, holds):
    found = parity_report.Parity(variant="x", kilobytes=1, rows=9, largest=0.05, mean=0.01, limit=limit, operators=[])
    assert found.holds is holds


def test_a_file_from_before_latency_was_measured_is_read():
    stated = {"variant": "x", "kilobytes": 1, "rows": 9, "largest": 0.05, "mean": 0.01, "limit": None, "operators": []}
    assert parity_report.Parity(**stated).row_us is None


def test_what_is_no_number_is_written_as_json_that_any_reader_takes_and_is_read_back(tmp_path):
    found = parity_report.Parity(variant="x", kilobytes=1, rows=9, largest=np.nan, mean=np.inf, limit=0.1, operators=[])
    parity_report.write(str(tmp_path), [found])
    text = (tmp_path / parity_report.FILE).read_text()
    [stated] = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (stated["largest"], stated["mean"]) == ("NaN", "Infinity")
    [again] = parity_report.read(str(tmp_path))
    assert np.isnan(again.largest) and np.isinf(again.mean) and not again.holds
    (tmp_path / parity_report.FILE).write_text(text.replace('"NaN"', "NaN"))  # as older code wrote it
    assert np.isnan(parity_report.read(str(tmp_path))[0].largest)
