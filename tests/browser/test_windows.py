"""The other tests of this folder would notice: pages that do what ours must not."""

import pytest

from tests.browser.windows import violations, window

PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title></head><body><main>{}</main></body></html>'
)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('<img alt="" src="http://127.0.0.1:9/pixel.png">', "asked for http://127.0.0.1:9/pixel.png"),
        ("<script>console.error('found')</script>", "wrote to the console: found"),
        ("<script>nothing.there</script>", "threw nothing is not defined"),
        ("<script>alert(1)</script>", "opened a dialog: 1"),
    ],
)
def test_what_a_page_must_not_do_is_noted(browser, tmp_path, body, complaint):
    (tmp_path / "page.html").write_text(PAGE.format(body))
    with pytest.raises(AssertionError, match=complaint), window(browser, tmp_path / "page.html"):
        pass


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('<p style="color: #aaa">Pale</p>', "color-contrast"),
        ('<svg role="img"></svg>', "svg-img-alt"),
        ("<button></button>", "button-name"),
    ],
)
def test_axe_finds_what_shuts_people_out(browser, tmp_path, body, rule):
    (tmp_path / "page.html").write_text(PAGE.format(body))
    with window(browser, tmp_path / "page.html") as page:
        assert [found.partition(":")[0] for found in violations(page)] == [rule]
