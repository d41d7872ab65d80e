"""All that can be left out is left out, in a copy: a run publishes. `make test-parts` does it for each part, and its tests."""

from conftest import states

from tests.e2e import parts_check


def test_without_phones_kubeflow_server_and_reports_a_run_publishes(parcels, tmp_path):
    copy = parts_check.copy_without(list(parts_check.PARTS), tmp_path / "copy")
    said = parts_check.run(copy, parcels, tmp_path / "runs")
    assert "Published version 1 to " in said
    assert not {"Canary", "MobileExporter", "MobilePublisher", "RunReport"} & states(said).keys()


def test_each_part_takes_three_lines_at_most():
    assert {name: len(lines) for name, (_, lines) in parts_check.PARTS.items() if len(lines) > 3} == {}
    assert len(parts_check.PARTS) == 4
