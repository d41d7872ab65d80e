"""The pages that two real runs on few rows left."""

import pytest

from components.run_report import facts
from tests.browser.windows import examine, window


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_the_pages_of_real_runs_are_as_good_as_those_of_the_samples(browser, two_runs, width, theme):
    reports = two_runs.root / "reports"
    with window(browser, reports / "index.html", width=width, theme=theme) as page:
        examine(page, theme)
        addresses = [link.get_attribute("href") for link in page.locator("#runs tbody a").all()]
        assert len(addresses) >= 2
        for address in addresses[-2:]:
            with page.expect_navigation():
                page.locator(f'#runs a[href="{address}"]').click()
            examine(page, theme)
            [folder] = [path.parent for path in reports.glob("*/index.html") if path.as_uri() == page.url]
            assert facts.read(folder).headline in page.locator("h1").inner_text()
            assert page.locator("main svg").count() > 20
            page.go_back()
