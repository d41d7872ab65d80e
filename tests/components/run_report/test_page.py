"""The page of a run says what happened, shows what there is, says why there is no more, and runs nothing of the data."""

import re
from html.parser import HTMLParser

import pytest

from components.run_report import gates, page
from components.run_report.facts import Measured, Metric
from components.shared.drift_report import Check
from tests.components.run_report import parts, samples

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
    assert "Published version 2, trained up to 2024-04: AUC 0.719" in pages["published"].text
    assert "AUC, candidate 0.719" in pages["published"].text
    assert "Took 1 min 33 s" in pages["published"].text
    assert "✕ Stopped by a gate Nothing was published for 2024-04: DataGate refused the data" in pages["stopped"].text


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
    assert "Nothing was found in them" in pages["published"].text
    happened = pages["stopped"].text.partition("What each gate")[0]
    assert happened.index("71.30% of 68,855 rows") < pages["stopped"].text.index("✕ refused")  # before all else


def test_drift_is_ranked_and_what_is_stable_folded(sources):
    drift = re.search(r'<section id="drift".*?</section>', sources["published"], flags=re.DOTALL)[0]
    shown, _, folded = drift.partition("<details")
    assert re.findall(r'<th scope="row">(\w+)', shown)[:2] == ["model", "shop_share"]
    assert "29\N{MULTIPLICATION SIGN}" in shown
    assert "19 checks that are stable" in folded
    assert shown.count('class="limit" d="M20,0V12"') == shown.count('<th scope="row">')


def test_a_limit_of_zero_is_beyond_all_others():
    moved = Check(kind="data", feature="depth", measure="missing share", value=0.1, limit=0, verdict="drifted", reason="gone")
    facts = samples.published()
    made = page.render(facts.model_copy(update={"drift": facts.drift.model_copy(update={"checks": [moved]})}))
    assert '<td class="number" data-sort="Infinity">\N{INFINITY}' in made


def test_features_that_moved_most_are_not_folded(sources):
    data = re.search(r'<section id="data".*?</section>', sources["published"], flags=re.DOTALL)[0]
    shown, _, folded = data.partition("<details")
    assert shown.count("<figure") == page.FEATURES_SHOWN
    assert "<strong>shop_share</strong>" in shown
    assert "<strong>returned</strong>" in folded


def test_a_feature_without_any_value_is_no_chart():
    facts = samples.published()
    empty = {"train": None, "eval": None, "reference": None, "edges": None, "categories": None, "name": "gone"}
    features = [facts.data.features[0].model_copy(update=empty)]
    run = facts.model_copy(update={"data": facts.data.model_copy(update={"features": features})})
    assert "No value in any row." in page.render(run)


def words_of(source: str, section: str) -> str:
    found = re.search(f'<section id="{section}".*?</section>', source, flags=re.DOTALL)[0]
    return " ".join(re.sub(r"<[^>]*>", " ", found).split())


def test_better_is_said_only_where_the_interval_of_the_difference_does_not_hold_zero(sources):
    model = words_of(sources["published"], "model")
    assert "AUC 0.719 0.707 to 0.731 0.709 0.697 to 0.721 +0.0101 \N{MINUS SIGN}0.00100 to +0.0210 higher" in model
    assert "log loss 0.569 0.555 to 0.582 0.592 0.577 to 0.607" in model
    assert "\N{MINUS SIGN}0.0340 to \N{MINUS SIGN}0.0120 better lower" in model
    assert (
        len(
            re.findall(
                r"\b(better|worse)\b", model.partition("By slice")[0].partition("A range is")[0].replace("less is better", "")
            )
        )
        == 1
    )


def test_only_what_refused_is_red_and_what_was_not_tried_is_grey(sources):
    source = sources["refused"]
    table = re.search(r'aria-label="What each gate said".*?</table>', source, flags=re.DOTALL)[0]
    badges = re.findall(r'<span class="badge (\w+)"><span aria-hidden="true">.</span> ([\w ]+)</span>', table)
    assert badges == [("good", "passed"), ("good", "passed"), ("bad", "refused"), ("quiet", "not tried"), ("good", "passed")]
    label = re.search(r'class="dag" role="img" aria-label="([^"]*)"', source)[1]
    for words in ("Trainer done", "Evaluator refused", "Canary not tried", "Publisher not tried", "MobilePublisher not tried"):
        assert words in label
    assert source.count('class="node refused"') == 1


def test_a_gate_that_refused_shows_value_limit_and_margin_and_which_setting_decided(pages):
    text = pages["refused"].text
    assert "AUC 0.719 at least 0.900 \N{MINUS SIGN}0.181" in text
    assert "evaluate.min_auc decided: AUC is 0.719, and must be at least 0.900." in text
    assert text.index("What to do next") < text.index("The DAG")
    assert "rows to evaluate 9,242 at least 1,000 +8,242 gate.min_rows" in text


def test_the_drift_says_of_which_model(pages):
    words = "version 1 in production, trained on 2024-01 to 2024-03, has decayed in 2024-04"
    assert words in pages["published"].text
    assert "decayed version 1, in production" in pages["published"].text


def test_a_slice_of_one_class_has_a_dash_and_says_why():
    facts = samples.published()
    one = facts.candidate.slices[-1]
    lost = one.model_copy(update={"candidate": {"log loss": 0.5}, "production": {"log loss": 0.6}})
    found = facts.candidate.model_copy(update={"slices": [*facts.candidate.slices[:-1], lost]})
    told = words_of(page.render(facts.model_copy(update={"candidate": found})), "model")
    assert f"{one.name} {one.rows} \N{EN DASH} \N{EN DASH}" in told.replace(",", "")
    assert "A dash: all rows of the slice are of one class" in told
    assert "A dash:" not in words_of(page.render(facts), "model")


def test_what_production_was_trained_on_is_called_that(pages):
    assert "Mean, production's training data" in pages["published"].text
    assert "Mean, production " not in pages["published"].text


def test_a_page_links_to_its_neighbours_its_log_its_card_and_its_artifacts(tmp_path):
    runs = tmp_path / "runs"
    version = str(runs / "serving" / "parcels" / "2")
    now = samples.published().model_copy(update={"run": "b", "log": str(runs / "logs" / "b.log"), "published": version})
    changed = now.configuration | {"train": {"epochs": 1, "batch_size": 256}}
    before = now.model_copy(update={"run": "a", "span": "2024-03", "configuration": changed})
    source = page.render(now, runs / "reports" / "b", before, before.model_copy(update={"run": "c"}))
    links = [attributes["href"] for tag, attributes in Parsed(source).tags if tag == "a"]
    for link in ("../a/index.html", "../c/index.html", "../../logs/b.log", "../../serving/parcels/2/model_card.md"):
        assert link in links
    assert "../../serving/parcels/2" in links
    assert "setting train.epochs 1 3" in Parsed(source).text
    assert "run after" not in Parsed(page.render(now, runs / "reports" / "b", before)).text


def test_gates_say_each_word(pages):
    said = {name: {gate.id: gate.state for gate in facts.gates} for name, facts in samples.every().items()}
    assert said["published"] == dict.fromkeys(("data", "drift", "model", "server", "phone"), "passed")
    assert said["stopped"] == {"data": "refused"} | dict.fromkeys(("drift", "model", "server", "phone"), "not_tried")
    assert said["refused"] == said["published"] | {"model": "refused", "server": "not_tried"}
    assert said["failed"]["model"] == "failed"
    assert "nothing is in production yet" in pages["first"].text


def test_a_server_that_was_too_slow_refused_with_its_margin():
    slow = parts.server().model_copy(update={"p99_ms": 300.0, "reasons": ["p99 is 300 ms"]})
    [found] = [gate for gate in gates.gates(samples.published().model_copy(update={"server": slow})) if gate.id == "server"]
    assert found.state == "refused"
    [limit] = [limit for limit in found.limits if not limit.holds]
    assert (limit.value, limit.at_most, limit.margin, limit.settings) == (300.0, 250.0, -50.0, ["canary.max_p99_ms"])


def test_a_server_page_says_what_was_beside_it_and_what_was_passed_over():
    beside = {"reference": "the model in production", "reference_p50_ms": 3.9, "reference_p99_ms": 7.5, "slowdown": 1.05}
    served = parts.server().model_copy(update=beside | {"tries": 2, "passed_over": ["no answer from <it>"]})
    facts = samples.published().model_copy(update={"server": served})
    text = Parsed(page.render(facts)).text
    assert "Median beside it 3.90 ms of the model in production, in the same minute" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "It took 2 tries. What did not come again says nothing of the model: no answer from <it>" in text


def test_settings_are_flat():
    assert page.flat({"a": {"b": {"c": [1, "ü"]}, "d": "x"}, "e": {}}) == {"a.b.c": '[1, "ü"]', "a.d": "x", "e": "{}"}


def test_names_from_the_data_are_shown_and_not_run(sources, pages):
    tags = [tag for tag, _ in pages["hostile"].tags]
    assert tags.count("script") == 1  # our own
    assert "img" not in tags
    assert not [attributes for _, attributes in pages["hostile"].tags if any(name.startswith("on") for name in attributes)]
    assert samples.SCRIPT in pages["hostile"].text
    assert "<script>alert" not in sources["hostile"]


def test_the_same_facts_give_the_same_page(sources):
    assert page.render(samples.published()) == sources["published"]


def test_the_page_says_what_its_intervals_are_drawn_from():
    """Whole days or hours; rows without a date have neither."""
    undated = samples.every()["published"]
    days = undated.model_copy(update={"data": undated.data.model_copy(update={"days": {"train": 80, "eval": 10}})})
    hours = days.model_copy(update={"span": "2013-01-05T07"})
    for facts, words in ((days, "whole days;"), (hours, "whole hours;"), (undated, "blocks of consecutive rows;")):
        assert f"by a bootstrap of {words}" in Parsed(page.render(facts)).text


def test_a_new_model_that_no_check_asks_for_is_told_as_the_policys():
    quiet = samples.quiet()
    calm = quiet.drift.model_copy(update={"retrain": True})
    assert page.asks(calm, {}) == page.asks(calm, {"drift": {"policy": "retrain_always"}})
    assert page.asks(calm, {}) == "A new model is trained whatever the checks say: so drift.policy has it."
    assert page.asks(quiet.drift, {}) == "The checks ask for no new model."
    on_drift = {"drift": {"policy": "retrain_on_drift"}}
    assert page.asks(samples.published().drift, on_drift) == "The checks ask for a new model."
    told = words_of(page.render(quiet.model_copy(update={"drift": calm})), "drift")
    assert "whatever the checks say" in told and "No check is beyond its limit." in told
    assert "asks for" not in told


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "b", "y"], "2 features and the label"),
        (["a", "y"], "1 feature and the label"),
        (["y"], "the label"),
        (["a"], "1 feature"),
    ],
)
def test_the_label_is_no_feature(names, said):
    made = [parts.data().features[0].model_copy(update={"name": name}) for name in names]
    assert page.columns(made, "y") == said


def test_the_data_name_the_label_and_count_without_it():
    facts = samples.published()
    settings = facts.configuration | {"problem": {"label": "returned"}}
    told = words_of(page.render(facts.model_copy(update={"configuration": settings})), "data")
    number = len(facts.data.features) - 1
    assert f"The other {number - page.FEATURES_SHOWN} features and the label" in told
    assert f"Missing values and means of all {number} features and the label" in told
    assert "Features and the label" in told
    assert "returned the label" in told


def naive_first(task: str = "binary", **beaten: float):
    """The first run of a task, whose metrics have these naive values."""
    facts = samples.first()
    metrics = [each.model_copy(update={"naive": beaten.get(each.name)}) for each in facts.candidate.metrics]
    return facts.model_copy(update={"candidate": facts.candidate.model_copy(update={"metrics": metrics, "task": task})})


def test_a_first_model_is_shown_beside_the_naive_answer():
    source = page.render(naive_first(AUC=0.5, **{"log loss": 0.5512}))
    assert "AUC, naive 0.500 always the share of positives among the training rows" in " ".join(Parsed(source).text.split())
    model = words_of(source, "model")
    assert "Candidate Naive Better is" in model and "0.551" in model
    assert "Naive is what always answering with the share of positives among the training rows would have" in model
    assert "chance that a positive row scores above a negative one" in model


def test_where_no_limit_is_set_the_gate_shows_the_naive_answer():
    facts = samples.first()
    metric = Metric(name="RMSE", better="lower", candidate=Measured(value=2.07), naive=4.123)
    model = facts.candidate.model_copy(update={"task": "regression", "metrics": [metric]})
    run = facts.model_copy(update={"candidate": model, "configuration": {"evaluate": {"max_rmse": 0.0}}})
    [gate] = [each for each in gates.gates(run) if each.id == "model"]
    assert (gate.state, gate.limits) == ("passed", [])
    assert gate.reasons == [
        "RMSE 2.070, and 4.123 of always answering with the mean label of the training rows; evaluate.max_rmse is 0, which is "
        "no limit"
    ]


def test_slices_have_no_column_for_what_is_measured_over_all_rows_only():
    model = samples.published().candidate
    macro = Metric(name="macro AUC", better="higher", candidate=Measured(value=0.9))
    assert page.sliced(model.model_copy(update={"metrics": [*model.metrics, macro]})) == ["AUC", "log loss"]
