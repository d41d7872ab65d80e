"""TFMA's page in a browser. Google's servers cannot be reached here: their charts are stubbed, or left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tensorflow_model_analysis import load_eval_result

from components.shared import tfma_results
from pipeline import views

LOADER = "https://www.gstatic.com/charts/loader.js"
# As much of Google Charts as TFMA calls. It writes what it is to draw as a table; like the real one with allowHtml, as HTML.
CHARTS = """
// Where TFMA looks for the bars that it highlights.
const BARS = '<svg><g clip-path="none"><g></g><g></g></g><g></g><g></g><g></g></svg>';
const shown = cell => cell?.f ?? cell?.v ?? cell ?? "";
function draw(place, rows) {
  const html = rows.map(row => `<tr>${row.map(cell => `<td>${shown(cell)}</td>`).join("")}</tr>`).join("");
  place.innerHTML = `<table class="drawn">${html}</table>`;
}
class DataTable { constructor(rows = []) { this.rows = rows; } getNumberOfRows() { return this.rows.length; } sort() {} }
class DataView { constructor(table) { this.rows = table.rows; } setColumns() {} }
class ColumnChart {
  constructor(place) { this.place = place; }
  draw(view) {
    draw(this.place, view.rows);
    this.place.insertAdjacentHTML("beforeend", BARS);
  }
  getSelection() { return []; }
  setSelection() {}
}
class ChartWrapper {
  constructor({container}) { this.place = container; }
  setChartType() {}
  setOptions() {}
  getChart() { return null; }
  setDataTable(table) { this.table = table; }
  draw() {
    draw(this.place, this.table.rows);
    for (const act of this.ready ?? []) act();
  }
}
function listen(chart, event, act) { if (event === "ready") (chart.ready ??= []).push(act); }
window.google = {
  charts: {load: async () => {}},
  visualization: {
    DataTable, DataView, ColumnChart, ChartWrapper,
    arrayToDataTable: rows => new DataTable(rows),
    events: {addListener: listen, addOneTimeListener: listen},
  },
};
"""


@contextmanager
def opened(browser: Browser, file: Path, charts: str | None) -> Iterator[Page]:
    """The page with this code as Google's loader; None: the network is down. It may ask for nothing else, nor throw."""
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    asked, thrown = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: thrown.append(str(error)))
    page.on("dialog", lambda dialog: (thrown.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.route(LOADER, lambda route: route.fulfill(body=charts, content_type="text/javascript") if charts else route.abort())
    try:
        page.goto(file.as_uri())
        yield page
        assert asked == [file.as_uri(), LOADER]
        assert thrown == []
    finally:
        page.close()


@pytest.fixture(scope="module")
def tfma_page(two_runs) -> Path:
    return views.write(two_runs.root, "tfma")[1]


def test_tfma_hands_every_slice_and_metric_to_stubbed_charts(browser, two_runs, tfma_page):
    models = tfma_results.metrics(str(views.newest(two_runs.root, "tfma")[1]))
    with opened(browser, tfma_page, CHARTS) as page:
        table = page.locator("tfma-metrics-table .drawn")
        table.wait_for()
        [header, *rows] = [row.locator("td").all_inner_texts() for row in table.locator("tr").all()]
        by_slice = {row[0].replace(":", "=").replace("Overall", "overall"): dict(zip(header, row, strict=True)) for row in rows}
        assert by_slice.keys() == models["candidate"].keys()
        # Rows of one class have no AUC; TFMA's view shows the number that it stores for them.
        measured = {name: metrics["auc"] for name, metrics in models["candidate"].items() if "auc" in metrics}
        assert "overall" in measured and len(measured) > len(rows) / 2
        for name, auc in measured.items():
            assert float(by_slice[name]["auc"]) == pytest.approx(auc, abs=1e-4)
        assert "auc_diff" in header
        overview = page.locator("tfma-slice-overview .drawn")
        overview.wait_for(state="attached")  # TFMA shows it or its histogram
        assert overview.locator("tr").count() == len(rows) + 1
        page.locator("tfma-nb-plot .drawn").first.wait_for()
        assert page.get_by_text("Plot for Overall").is_visible()
        assert page.locator("#offline").is_hidden()


def test_without_google_the_page_of_tfma_shows_its_figures_as_tables(browser, two_runs, tfma_page):
    models = tfma_results.metrics(str(views.newest(two_runs.root, "tfma")[1]))
    with opened(browser, tfma_page, None) as page:
        assert page.locator("#offline").is_visible()
        assert page.locator("caption").all_inner_texts() == list(models)
        for model, table in zip(models, page.locator("#figures table").all(), strict=True):
            names = table.locator("thead th").all_inner_texts()
            rows = {
                row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()
            }
            assert rows.keys() == models[model].keys()
            assert rows["overall"][names.index("auc") - 1] == views.figure(models[model]["overall"]["auc"])
        assert page.locator("#figures table").first.is_visible()


@pytest.mark.parametrize("charts", [CHARTS, None], ids=["stubbed charts", "no charts"])
def test_a_slice_that_looks_like_markup_is_text(browser, two_runs, tmp_path, charts):
    run, folder = views.newest(two_runs.root, "tfma")
    name = "</script><img src=x onerror=alert(1)>"
    result = load_eval_result(str(folder), model_name="candidate")
    result.slicing_metrics[0] = ((("carrier", name),), result.slicing_metrics[0][1])
    file = tmp_path / "tfma.html"
    file.write_text(views.tfma_page(run, result, {"candidate": {f"carrier={name}": {"auc": 0.7}}}))
    with opened(browser, file, charts) as page:
        table = page.locator("tfma-metrics-table .drawn" if charts else "#figures table")
        table.wait_for()
        assert name in table.inner_text()
        assert page.locator("img[onerror]").count() == 0
