"""Charts: figures at their places, colours of the theme, safe and unique in a page."""

import re
from xml.etree import ElementTree

import altair as alt
import pytest

from components.run_report import answer_charts, charts, vega
from components.run_report.facts import ClassCurves, Importance, SliceFacts
from tests.components.run_report import parts, samples

SVG = "{http://www.w3.org/2000/svg}"


def parsed(drawn) -> ElementTree.Element:
    return ElementTree.fromstring(drawn)  # noqa: S314 it is our own


def texts(drawn) -> list[str]:
    return [element.text for element in parsed(drawn).iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def model():
    return parts.model()


@pytest.fixture(scope="module")
def drawn(model):
    """Every chart, by name."""
    return {
        "number": charts.feature(parts.data().features[1]),
        "category": charts.feature(parts.data().features[0]),
        "slices": charts.slices(model.slices, "AUC", 0.719),
        **answer_charts.curves({"candidate": model.candidate, "production": model.production}),
        "loss": charts.loss(model.loss),
        "importance": charts.importance(model.importance, "AUC"),
    }


def test_each_has_a_name_of_its_own_and_fits_a_phone(drawn):
    labels = []
    for made in drawn.values():
        root = parsed(made)
        assert root.get("role") == "img"
        labels.append(root.get("aria-label"))
        width = float(root.get("viewBox").split()[2])
        assert width <= 340
        assert "width" not in root.attrib  # the page sets it
    assert len(set(labels)) == len(labels)


def test_all_colours_are_the_theme_s(drawn):
    for made in drawn.values():
        assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', made)) <= {"none", "transparent"} | {
            f"var(--{name})"
            for name in ("muted", "grid", "ink", "panel", "candidate", "production", "train", "eval", "reference")
        }


def test_both_models_are_drawn_and_differ_by_more_than_colour(drawn):
    for name in ("ROC", "precision and recall", "calibration"):
        lines = re.findall(r"<path[^>]*>", drawn[name])
        dashed = [line for line in lines if "--production" in line and 'stroke-dasharray="6,3"' in line]
        solid = [line for line in lines if "--candidate" in line and '"6,3"' not in line]
        assert dashed, name
        assert solid, name


def test_a_category_is_named_and_a_slice_has_its_rows(drawn):
    assert set(parts.SHOPS) <= set(texts(drawn["category"]))
    assert "country=AT (3,400)" in texts(drawn["slices"])


def test_years_and_large_numbers_have_no_exponent():
    feature = parts.data().features[1].model_copy(update={"edges": [1960 + 2.0 * step for step in range(26)]})
    assert "1960" in texts(charts.feature(feature))


def test_one_epoch_and_many_have_whole_ticks():
    assert "1" in texts(charts.loss({"train": [0.5]}))
    ticks = [text for text in texts(charts.loss({"train": [1 / epoch for epoch in range(1, 51)]})) if text.isdigit()]
    assert 5 <= len(ticks) <= 10


def test_a_slice_that_only_one_model_has_is_drawn():
    only = [SliceFacts(name="country=LI", rows=120, candidate={"AUC": 0.7}, production={})]
    assert "country=LI (120)" in texts(charts.slices(only, "AUC", 0.7))


def test_hostile_names_are_text():
    made = charts.importance([Importance(feature=samples.SCRIPT, lost=0.1, spread=0)], "AUC")
    assert "<script" not in made
    assert any(text.startswith("<script>") for text in texts(made))


def test_a_character_that_xml_does_not_allow_is_replaced_and_ends_nothing():
    made = charts.importance([Importance(feature="A\ufffe\uffff\0\x0b\ud800", lost=0.1, spread=0)], "AUC")
    assert "A" + "\N{REPLACEMENT CHARACTER}" * 5 in texts(made)
    field = alt.Chart(alt.Data(values=[{"\uffff": "B\u0001"}])).mark_text().encode(text=alt.Text("\uffff:N"))
    assert "B\N{REPLACEMENT CHARACTER}" in texts(vega.svg(field, "\ufffe", 50))


def test_a_clip_path_keeps_its_name_to_itself():
    chart = alt.Chart(alt.Data(values=[{"x": 1, "y": 1}, {"x": 2, "y": 2}])).mark_line(clip=True).encode(x="x:Q", y="y:Q")
    ids = [set(re.findall(r' id="([^"]+)"', vega.svg(chart, label, 50))) for label in ("one", "two")]
    assert all(ids)
    assert not ids[0] & ids[1]
    assert all(f"url(#{name})" in vega.svg(chart, "one", 50) for name in ids[0])


def test_nothing_is_fetched_for_a_chart():
    chart = alt.Chart("https://example.com/rows.json").mark_point().encode(x="x:Q")
    with pytest.raises(ValueError, match=r"not allowed|denied"):
        vega.svg(chart, "remote", 50)


def test_a_drawing_with_another_element_is_refused():
    chart = alt.Chart(alt.Data(values=[{"url": "data:,"}])).mark_image().encode(url="url:N")
    with pytest.raises(ValueError, match="Vega drew <image>"):
        vega.svg(chart, "picture", 50)


def test_a_confusion_matrix_names_both_axes():
    found = ClassCurves(classes=["kept", "lost"], confusion=[[0.9, 0.1], [0.3, 0.7]], rows=[1200, 30], calibration=[])
    told = texts(answer_charts.curves({"candidate": found})["confusion of candidate"])
    assert {"actual", "predicted", "kept (1,200)", "lost (30)", "90%"} <= set(told)
