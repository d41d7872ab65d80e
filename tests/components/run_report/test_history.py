"""What is in the history page and how it gets there; how it looks and behaves is tested in tests/browser."""

import multiprocessing
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st

from components.run_report import history as page
from components.run_report import history_charts
from components.run_report.drift_rank import Cell, heat_map
from components.run_report.facts import FILE, Node, RunFacts
from components.run_report.write import renew
from components.shared.drift_report import Check
from components.shared.tasks import BINARY
from tests.clocks import processor_seconds
from tests.components.run_report import samples
from tests.components.run_report.histories import a_check, a_run, history

SCRIPT = "<script>window.pwned = true</script>"


def write(reports: Path, runs: list[RunFacts]) -> None:
    for run in runs:
        (reports / run.run).mkdir(parents=True)
        (reports / run.run / FILE).write_text(run.model_dump_json())


def links(html: str) -> list[str]:
    return re.findall(r'<th scope="row" data-sort="[^"]+"><a href="([^"]+)"', html)


def test_the_newest_run_is_last_as_on_all_pages_and_links_to_its_page(tmp_path):
    runs = history(3)
    write(tmp_path, runs)
    html = renew(tmp_path).read_text()
    # A colon is quoted: "2026-11-01T02:30" alone would be an address of the scheme "2026-11-01T02".
    assert links(html) == [f"./2026-11-01T0{hour}%3A30%3A00.000001/index.html" for hour in (0, 1, 2)]
    assert f'3 runs. The newest, <a href="{links(html)[-1]}">2026-11-01 02:30</a>: published for 2024-03.' in html
    assert "version 3" in html


def test_no_run_yet_says_how_to_make_one(tmp_path):
    assert "<code>make run</code>" in renew(tmp_path / "reports").read_text()


def test_broken_facts_are_named_and_nothing_else_is_lost(tmp_path):
    first, second, third = history(3)
    write(tmp_path, [first, second])
    (tmp_path / second.run / FILE).write_text('{"run": 7}')
    (tmp_path / "copied").mkdir()
    (tmp_path / "copied" / FILE).write_text(third.model_dump_json())
    (tmp_path / "still running").mkdir()
    html = renew(tmp_path).read_text()
    assert len(links(html)) == 1
    assert "2 reports could not be read" in html
    assert f"<code>{second.run}/facts.json</code>" in html
    assert f"they are of the run {third.run}" in html
    assert "still running" not in html


def update_often(reports: Path) -> None:
    for _ in range(5):
        renew(reports)


def test_runs_that_end_together_leave_a_whole_page(tmp_path):
    write(tmp_path, history(2))
    renew(tmp_path)
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=update_often, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    end = time.monotonic() + 300  # seconds on a busy machine, most of them until both have imported what draws
    try:
        while any(process.is_alive() for process in processes):
            assert time.monotonic() < end
            html = (tmp_path / page.PAGE).read_text()
            assert html.rstrip().endswith("</html>")
            assert len(links(html)) == 2
            time.sleep(0.01)
    finally:
        for process in processes:
            process.join(timeout=60)
            process.kill()
    assert [process.exitcode for process in processes] == [0, 0]
    assert not list(tmp_path.glob(".tmp-*"))


@pytest.mark.parametrize("name", samples.every())
def test_each_way_to_end_has_a_row(name):
    run = samples.every()[name]
    assert links(page.render([run])) == [page.link(run)]


def test_names_from_the_data_are_text():
    check = a_check(SCRIPT, SCRIPT, 2.0, 1.0)
    run = a_run(before=1, model=SCRIPT, headline=SCRIPT, span=SCRIPT)
    drift = run.drift.model_copy(update={"checks": [check]})
    nodes = [Node(name=SCRIPT, upstream=[], state="done", seconds=3.0)]
    html = page.render([run.model_copy(update={"drift": drift, "nodes": nodes})], {SCRIPT: SCRIPT})
    assert "<script>window" not in html
    assert html.count("<script>") == 1  # ours
    assert html.count("&lt;script&gt;") >= 10


class TestProduction:
    def test_a_published_model_is_shown_beside_the_one_that_it_replaced(self):
        run = a_run(3, before=1, version=2)
        [point] = page.production([run])
        [metric] = run.candidate.metrics
        assert (point.span, point.version, point.published) == ("2024-04", 2, True)
        assert (point.value, point.replaced) == (metric.candidate.value, metric.production.value)

    def test_a_model_that_waits_for_a_promotion_changes_nothing(self):
        run = a_run(3, before=1, version=1, waiting=3)
        [point] = page.production([run])
        assert (point.version, point.published, point.replaced) == (1, False, None)
        assert point.value == run.candidate.metrics[0].production.value
        assert ">1 (3 waits)</td>" in page.render([run])

    def test_a_model_that_was_not_blessed_changes_nothing(self):
        run = a_run(3, outcome="not_blessed", before=1, version=1)
        [point] = page.production([run])
        assert (point.value, point.published, point.replaced) == (run.candidate.metrics[0].production.value, False, None)

    def test_without_a_candidate_it_is_what_the_drift_monitor_measured(self):
        run = a_run(3, outcome="stable", before=1, version=1)
        [point] = page.production([run])
        assert point.value == next(check.value for check in run.drift.checks if check.kind == "concept")

    def test_a_failed_run_without_a_measure_has_no_point(self):
        assert page.production([a_run(outcome="failed", before=None, version=None)]) == []

    def test_a_month_that_was_run_again_keeps_each_publication(self):
        first, again = a_run(3, before=1, version=2), a_run(3, before=2, version=3)
        assert [point.version for point in page.production([first, again])] == [2, 3]
        broken = a_run(3, outcome="failed", before=None)
        assert [point.version for point in page.production([first, broken])] == [2]
        quiet = [a_run(3, outcome="stable", before=3, version=3) for _ in range(2)]
        assert [point.published for point in page.production([first, again, *quiet])] == [True, True]
        assert page.production(quiet) == page.production(quiet[1:])

    def test_a_version_that_was_taken_back_stays_and_the_one_before_is_measured_after_it(self):
        runs = [a_run(2), a_run(3, before=1, version=2), a_run(3, outcome="not_blessed", before=1, version=1)]
        points = page.production(runs)
        assert [(point.version, point.published) for point in points] == [(1, True), (2, True), (1, False)]

    def test_a_refused_run_hides_no_publication_of_its_month(self):
        runs = [a_run(2), a_run(3, before=1, version=2, run="b"), a_run(3, outcome="not_blessed", before=2, version=2, run="c")]
        html = page.render(runs)
        assert "version 2" in html
        rows = html.partition('aria-label="Publications of parcels"')[2].partition("</table>")[0]
        assert re.findall(r'<th scope="row">(\d+)</th><td>([^<]+)', rows) == [("1", "2024-03"), ("2", "2024-04")]
        assert "Published: version 1 in 2024-03, version 2 in 2024-04." in html
        assert re.findall(r">(v[^<]+)</text>", html) == ["v1", "v2"] * 2  # each with a halo
        assert [run.run for run in heat_map(runs)[0]] == ["c"]

    def test_the_versions_of_one_month_share_a_label(self):
        runs = [a_run(3, before=1, version=2), a_run(3, before=2, version=3)]
        drawn = history_charts.production("m", BINARY.decides, page.production(runs))
        assert re.findall(r">(v[^<]+)</text>", drawn) == ["v2, v3"] * 2

    def test_the_key_figure_is_of_the_newest_run(self):
        runs = [a_run(2), a_run(3, before=1, version=2), a_run(2, before=2, version=3, started="2026-11-03T00:00:00+00:00")]
        assert re.search(r"<dt>in production</dt><dd>version 3 <small>AUC [\d.]+ in 2024-03<", page.render(runs))

    def test_a_root_with_three_models_has_three_curves(self):
        html = page.render([run for model in ("never", "always", "on_drift") for run in history(3, model)])
        assert re.findall(r"Publications of (\w+)</summary>", html) == ["always", "never", "on_drift"]


class TestDrift:
    def test_a_feature_has_the_ratio_of_its_worst_check(self):
        runs = [a_run(3, before=1), a_run(4, before=1)]
        checks = [a_check("weight", "missing share", 0.03, 0.03), a_check("weight", "L-infinity", 0.05, 0.02)]
        checks.append(Check(kind="label", feature="", measure="share of positives", value=9.0, limit=0.1, verdict="drifted"))
        runs[0] = runs[0].model_copy(update={"drift": runs[0].drift.model_copy(update={"checks": checks})})
        compared, rows = heat_map(runs)
        assert [run.span for run in compared] == ["2024-04", "2024-05"]
        assert "" not in rows
        cell = rows["weight"][0]
        assert (cell.text, cell.level, cell.words) == ("2.5", "over", "drifted: L-infinity 0.05, limit 0.02")
        assert rows["shop"][0].words == "not compared"

    def test_the_verdict_is_in_the_text_of_a_cell(self):
        html = page.render([a_run(3, before=1)])
        cells = re.findall(r'<td class="(?:low|near|over|far)"[^>]*>[^<]*<span class="hidden"> (\w+): ', html)
        assert set(cells) <= {"stable", "drifted"}
        assert len(cells) == 8

    def test_nothing_in_production_has_no_heat_map(self):
        assert heat_map([a_run()]) is None
        assert 'id="drift"' not in page.render([a_run()])

    @given(st.floats(0, 200, allow_nan=False) | st.just(float("inf")))
    def test_only_what_is_at_its_limit_is_written_as_one(self, ratio):
        cell = Cell(ratio, "")
        shown = float(cell.text.removeprefix("> "))
        assert (shown >= 1) == (ratio >= 1) == (cell.level in ("over", "far"))
        assert shown <= 99
        assert len(cell.text) <= 4


class TestSeconds:
    def test_a_node_keeps_its_colour_when_another_becomes_slower(self):
        nodes = [Node(name=name, upstream=[], state="done", seconds=of) for name, of in (("A", 3.0), ("B", 2.0), ("C", 1.0))]
        slower = [nodes[0].model_copy(update={"seconds": 0.1}), *nodes[1:]]
        legends = []
        for each in (nodes, slower):
            runs = [a_run(nodes=each)]
            legends.append(history_charts.colours(runs, list(page.durations(runs))))
        assert list(legends[0]) != list(legends[1])
        assert legends[0] == legends[1]

    def test_what_came_from_the_cache_is_left_out(self):
        nodes = [
            Node(name="Trainer", upstream=[], state="done", seconds=20.0),
            Node(name="Transform", upstream=[], state="cached", seconds=0.1),
            Node(name="Evaluator", upstream=[], state="failed", seconds=2.0),
            Node(name="Publisher", upstream=[], state="not_run"),
        ]
        assert page.seconds(a_run(nodes=nodes)) == {"Trainer": 20.0, "Evaluator": 2.0}

    def test_the_slowest_node_is_first(self):
        runs = [a_run(nodes=[Node(name=name, upstream=[], state="done", seconds=of) for name, of in times]) for times in
                ([("A", 1.0), ("B", 5.0)], [("A", 3.0), ("B", 4.0)], [("A", 8.0)])]  # fmt: skip
        assert list(page.durations(runs).items()) == [("B", [5.0, 4.0]), ("A", [1.0, 3.0, 8.0])]
        rows = re.findall(r'<tr><th scope="row">([AB])</th>(.*?)</tr>', page.render(runs), flags=re.DOTALL)
        shown = {node: [float(figure) for figure in re.findall(r">([\d.]+)<", cells)] for node, cells in rows}
        assert shown == {"B": [2, 4.5, 5.0, 4.0], "A": [3, 3.0, 8.0, 8.0]}


def test_forty_runs_cost_seconds_and_no_tensorflow(tmp_path):
    month = samples.published()
    runs = history(40)
    write(tmp_path, [run.model_copy(update={"data": month.data, "lineage": month.lineage}) for run in runs])
    code = (
        "import sys, pathlib; from components.run_report.write import renew; renew(pathlib.Path(sys.argv[1]));"
        "assert not {'tensorflow', 'tfx'} & set(sys.modules)"
    )
    took = processor_seconds(lambda: subprocess.run([sys.executable, "-c", code, tmp_path], cwd=REPOSITORY, check=True))
    assert took < 15
    html = (tmp_path / page.PAGE).read_text()
    assert len(links(html)) == 40
    assert len(html) < 2e6


def test_commands_name_the_problem_of_the_runs(tmp_path):
    runs = [run.model_copy(update={"problem": "data/trips"}) for run in history(2)]
    write(tmp_path, runs)
    (tmp_path / runs[0].run / FILE).write_text("{}")
    assert "<code>make report PROBLEM=trips</code>" in renew(tmp_path).read_text()
