"""The page of a run says what happened, shows what there is, says why there is no more, and runs nothing of the data."""

import re
from html.parser import HTMLParser

import pytest

from components.drift_monitor.report import Check
from components.run_report import page
from components.run_report.facts import Measured, Metric
from components.run_report.gates import gates
from tests.components.run_report import samples

SECTIONS = ["happened", "dag", "data", "drift", "model", "phone", "server", "lineage", "configuration", "reproduce"]


class Parsed(HTMLParser):
    """Tags, attributes and text of a page; style and script apart."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def sources():
    """Every sample's page, by name."""
    return {name: page.render(facts) for name, facts in samples.every().items()}


@pytest.fixture(scope="module")
def pages(sources):
    return {name: Parsed(source) for name, source in sources.items()}


def test_each_has_all_sections_in_order_and_links_to_them(pages):
    for name, parsed in pages.items():
        assert [attributes["id"] for tag, attributes in parsed.tags if tag == "section"] == SECTIONS, name
        links = {attributes["href"] for tag, attributes in parsed.tags if tag == "a"}
        assert {f"#{section}" for section in SECTIONS} <= links


def test_nothing_beside_the_file_is_needed(sources, pages):
    for name, parsed in pages.items():
        assert len(sources[name]) < 800_000
        wanted = [attributes["href"] for tag, attributes in parsed.tags if tag == "link"]
        assert wanted == ["data:,"]
        assert not [attributes for _, attributes in parsed.tags if "src" in attributes]
        assert not re.search(r"@import|url\((?!#)", sources[name])


def test_ids_are_unique_and_every_picture_has_a_name(pages):
    for name, parsed in pages.items():
        ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
        assert len(ids) == len(set(ids)), name
        pictures = [attributes for tag, attributes in parsed.tags if tag == "svg"]
        assert all(each.get("aria-label") or each.get("aria-hidden") == "true" for each in pictures)


def test_the_top_says_what_happened(pages):
    assert "Published version 2, trained up to 2013-04, AUC 0.719" in pages["published"].text
    assert "AUC, candidate 0.719" in pages["published"].text
    assert "Took 1 min 33 s" in pages["published"].text
    assert "✕ Stopped by a gate DataGate stopped the run" in pages["stopped"].text


def test_the_top_tells_a_version_that_waits_from_the_one_in_production():
    facts = samples.published().model_copy(update={"version": 1, "waiting": 3})
    assert "Version 1 in production, 3 waits" in Parsed(page.render(facts)).text


def test_what_there_is_not_is_explained(pages):
    assert pages["stopped"].text.count("Nothing to show: DataGate ended the run before.") == 4
    assert pages["failed"].text.count("Nothing to show: Trainer ended the run before.") == 3
    assert pages["quiet"].text.count("no new model was trained") == 3
    assert "Nothing to show" not in pages["published"].text
    assert "Nothing was in production, so there was nothing to compare" in pages["first"].text


def test_a_failure_s_whole_message_is_there(pages):
    assert "node dense/MatMul" in pages["failed"].text


def test_anomalies_are_told_in_words(pages):
    assert "71.30% of 68,855 rows. Expected: 2.00% to 60.00%." in pages["stopped"].text
    assert "None: the data are as the schema says." in pages["published"].text


def test_drift_is_ranked_and_what_is_stable_folded(sources):
    drift = re.search(r'<section id="drift".*?</section>', sources["published"], flags=re.DOTALL)[0]
    shown, _, folded = drift.partition("<details")
    assert re.findall(r'<th scope="row">(\w+)', shown)[:2] == ["model", "carrier_late_share_7d"]
    assert "29\N{MULTIPLICATION SIGN}" in shown
    assert "19 checks that are stable" in folded
    assert shown.count('class="limit" d="M20,0V12"') == shown.count('<th scope="row">')


def test_a_limit_of_zero_is_beyond_all_others():
    moved = Check(kind="data", feature="visib", measure="missing share", value=0.1, limit=0, verdict="drifted", reason="gone")
    facts = samples.published()
    made = page.render(facts.model_copy(update={"drift": facts.drift.model_copy(update={"checks": [moved]})}))
    assert '<td class="number" data-sort="Infinity">\N{INFINITY}' in made


def test_features_that_moved_most_are_not_folded(sources):
    data = re.search(r'<section id="data".*?</section>', sources["published"], flags=re.DOTALL)[0]
    shown, _, folded = data.partition("<details")
    assert shown.count("<figure") == page.FEATURES_SHOWN
    assert "<strong>carrier_late_share_7d</strong>" in shown
    assert "<strong>late</strong>" in folded


def test_a_feature_without_any_value_is_no_chart():
    facts = samples.published()
    empty = {"train": None, "eval": None, "reference": None, "edges": None, "categories": None, "name": "gone"}
    features = [facts.data.features[0].model_copy(update=empty)]
    run = facts.model_copy(update={"data": facts.data.model_copy(update={"features": features})})
    assert "No value in any row." in page.render(run)


@pytest.mark.parametrize(
    ("better", "new", "old", "expected"),
    [
        ("higher", 0.7, 0.6, "better"),
        ("lower", 0.7, 0.6, "worse"),
        ("nearer 1", 0.9, 1.2, "better"),
        ("nearer 1", 0.75, 1.25, "same"),
    ],
)
def test_a_difference_says_whether_it_is_better(better, new, old, expected):
    metric = Metric(name="m", better=better, candidate=Measured(value=new), production=Measured(value=old))
    assert page.change(metric)[1] == expected


def test_gates_say_each_word():
    said = {name: {gate.id: gate.word for gate in gates(facts)} for name, facts in samples.every().items()}
    assert said["published"] == {"data": "passed", "drift": "decayed", "model": "passed", "server": "passed", "phone": "passed"}
    assert said["stopped"] == {"data": "refused"} | dict.fromkeys(("drift", "model", "server", "phone"), "not reached")
    assert said["first"]["drift"] == "nothing to compare with"
    refused = samples.published().model_copy(
        update={"server": samples.server().model_copy(update={"reasons": ["p99 is 300 ms"]})}
    )
    assert {gate.id: gate.text for gate in gates(refused)}["server"] == "p99 is 300 ms"


def test_settings_are_flat():
    assert dict(page.flat({"a": {"b": {"c": [1, "ü"]}, "d": "x"}, "e": {}})) == {"a.b.c": '[1, "ü"]', "a.d": "x", "e": "{}"}


def test_names_from_the_data_are_shown_and_not_run(sources, pages):
    tags = [tag for tag, _ in pages["hostile"].tags]
    assert tags.count("script") == 1  # our own
    assert "img" not in tags
    assert not [attributes for _, attributes in pages["hostile"].tags if any(name.startswith("on") for name in attributes)]
    assert samples.SCRIPT in pages["hostile"].text
    assert "<script>alert" not in sources["hostile"]


def test_the_same_facts_give_the_same_page(sources):
    assert page.render(samples.published()) == sources["published"]
