"""The page that adopt's --review writes, in a real browser: it fits, shuts nobody out, and asks for nothing."""

import pytest
from conftest import REPOSITORY

from components.shared.errors import Exit
from pipeline import adopt
from tests import neutral
from tests.browser.windows import examine, window

SCREENSHOTS = REPOSITORY / "runs" / "screenshots"


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    into = tmp_path_factory.mktemp("review")
    made = neutral.rows([f"2024-{month:02}" for month in range(1, 6)], each=300)
    made["a_name_that_is_much_longer_than_others_and_has_no_space_in_it_at_all"] = made["price"]
    made["unit"] = "kg"
    made.to_csv(into / "parcels.csv", index=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(into)
        for arguments in ([str(into / "parcels.csv"), "--label", neutral.LABEL], ["--review"]):
            assert adopt.main([*arguments, "--name", "parcels", "--into", str(into)]) == Exit.DONE
    return into / "runs" / "parcels" / "review.html"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_fits_the_window_and_shuts_nobody_out(browser, review, width, theme):
    with window(browser, review, width=width, theme=theme) as page:
        examine(page, theme)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"review-{theme}-{width}.png", full_page=True)
