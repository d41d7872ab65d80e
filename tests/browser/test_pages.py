"""Both pages in a real browser, opened from the file system. `pytest -s` prints how long each took to open."""

import statistics
from pathlib import Path

import pytest
from conftest import REPOSITORY

from tests.browser.windows import examine, window
from tests.components.run_report import samples

SCREENSHOTS = REPOSITORY / "runs" / "screenshots"
PAGES = ["history", *samples.every()]
WINDOWS = [(1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")]
RICH = ("history", "published")  # are looked at in all of them
OPENED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd"
COLUMN = "(index) => [...document.querySelectorAll('#runs tbody tr')].map(row => row.cells[index].textContent.trim())"


@pytest.fixture
def file(request, reports, runs):
    """The page of a name in `PAGES`."""
    return reports / "index.html" if request.param == "history" else reports / runs[request.param].run / "index.html"


@pytest.mark.parametrize(
    ("file", "name", "width", "theme"),
    [(name, name, *size) for name in PAGES for size in (WINDOWS if name in RICH else WINDOWS[:2])],
    indirect=["file"],
)
def test_it_fits_the_window_and_shuts_nobody_out(browser, file, name, width, theme):
    with window(browser, file, width=width, theme=theme) as page:
        examine(page, theme)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}-{theme}-{width}.png", full_page=True)


@pytest.mark.parametrize("file", RICH, indirect=True)
def test_it_is_small_and_opens_at_once(browser, file):
    assert file.stat().st_size < 2e6
    times = []
    for _ in range(3):
        with window(browser, file) as page:
            times.append(page.evaluate(OPENED))
    print(f"{file.stat().st_size / 1000:.0f} kB open in {statistics.median(times):.0f} ms")
    assert statistics.median(times) < 10_000, "1,000 ms on an idle machine"


def test_a_click_sorts_the_runs_and_another_turns_them_round(browser, reports):
    with window(browser, reports / "index.html") as page:
        head = page.locator("#runs th", has_text="AUC, candidate")
        column = head.evaluate("head => head.cellIndex")
        started = page.locator("#runs th", has_text="Started")
        assert started.get_attribute("aria-sort") == "ascending"
        head.get_by_role("button").click()
        assert (head.get_attribute("aria-sort"), started.get_attribute("aria-sort")) == ("ascending", "none")
        values = page.evaluate(COLUMN, column)
        filled = [float(value) for value in values if value]
        assert len(filled) > 10
        assert filled == sorted(filled)
        assert values[len(filled) :] == [""] * (len(values) - len(filled))  # runs without a candidate stay last
        head.get_by_role("button").press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        again = page.evaluate(COLUMN, column)
        assert again[: len(filled)] == [f"{value:.3f}" for value in filled[::-1]]
        assert again[len(filled) :] == values[len(filled) :]


def test_dates_and_words_sort_too(browser, reports):
    with window(browser, reports / "index.html") as page:
        for name in ("Span", "Outcome", "Drift", "Seconds", "Started"):  # the last one is sorted as the page opens
            head = page.locator("#runs th", has_text=name)
            head.get_by_role("button").click()
            values = [value for value in page.evaluate(COLUMN, head.evaluate("head => head.cellIndex")) if value]
            # A mark stands before these words, and the version after a verdict.
            words = [value.partition(" ")[2].partition(" v")[0] if name in ("Outcome", "Drift") else value for value in values]
            assert words == sorted(words, key=(lambda word: int(word.replace(",", ""))) if name == "Seconds" else str.lower), (
                name
            )
            assert len(set(words)) > 1, name


@pytest.mark.parametrize("file", ["published"], indirect=True)
def test_folded_parts_open_by_click_by_link_and_for_paper(browser, file):
    with window(browser, file) as page:
        folded = page.locator("details:not([open])")
        count = folded.count()
        assert count > 0
        part = page.locator("details").nth(page.evaluate("[...document.querySelectorAll('details')].findIndex(d => !d.open)"))
        part.locator("summary").first.click()
        assert part.get_attribute("open") is not None
        assert folded.count() == count - 1
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert folded.count() == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert folded.count() == count - 1
        pages = page.pdf()
        assert pages.startswith(b"%PDF")


def test_links_lead_to_the_run_and_back(browser, reports, runs):
    with window(browser, reports / "index.html") as page:
        for kind in samples.every():
            page.locator(f'#runs a[href*="{runs[kind].run[:13]}"]').click()
            assert page.url == (reports / runs[kind].run / "index.html").as_uri()
            assert runs[kind].headline in page.locator("h1").inner_text()
            page.get_by_role("link", name="All runs").click()
            assert page.url == (reports / "index.html").as_uri()
        for link in page.locator("#drift thead a").all():
            assert Path(page.evaluate("a => decodeURIComponent(new URL(a.href).pathname)", link.element_handle())).is_file()


@pytest.mark.parametrize("file", ["history", "hostile"], indirect=True)
def test_a_name_that_is_a_script_is_shown_and_not_run(browser, file):
    with window(browser, file) as page:  # which fails on an alert
        assert samples.SCRIPT in page.locator("body").inner_text()
        assert page.evaluate("document.scripts.length") == 1
        assert page.locator("img").count() == 0


@pytest.mark.parametrize("file", ["published", "refused", "stopped"], indirect=True)
def test_a_phone_shows_the_limits_whole_and_each_name_stays_in_its_box(browser, file):
    with window(browser, file, width=390) as page:
        for table in page.locator("table.gates").all():
            table.evaluate("table => table.closest('details')?.setAttribute('open', '')")
            assert table.evaluate("table => table.parentElement.scrollWidth - table.parentElement.clientWidth") <= 0
        width = "node.querySelector('{}').getBBox().width"
        rooms = f"nodes => nodes.map(node => {width.format('rect')} - {width.format('.name')})"
        found = page.locator(".dag .node").evaluate_all(rooms)
        assert len(found) == len(samples.UPSTREAM)
        assert min(found) >= 4


@pytest.mark.parametrize(
    ("file", "place"), [("history", "#runs"), ("published", "#lineage"), ("published", "#model")], indirect=["file"]
)
def test_a_table_that_is_too_wide_scrolls_within_itself_and_shows_it(browser, file, place):
    with window(browser, file, width=390) as page:
        table = page.locator(f"{place} .scroll").first
        assert table.evaluate("each => each.scrollWidth > each.clientWidth")
        table.evaluate("each => each.scrollLeft = each.scrollWidth")
        last = table.locator("thead th").last
        assert last.evaluate("each => each.getBoundingClientRect().right") <= 390
        assert "local" in table.evaluate("each => getComputedStyle(each).backgroundAttachment")


@pytest.mark.parametrize("file", ["published"], indirect=True)
def test_a_wide_window_shows_all_metrics_without_scrolling(browser, file):
    with window(browser, file, width=1440) as page:
        table = page.locator("#model .scroll").first
        assert table.evaluate("each => each.scrollWidth - each.clientWidth") <= 0
