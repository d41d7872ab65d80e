"""The card as a pure function: what is in it, and what a page makes of hostile names."""

import html
import json
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.model_store.manifest import Facts
from components.publisher import markdown, model_card
from components.publisher.model_card import Description, VersionCard
from components.shared import data_findings, drift_report
from components.shared.errors import BadConfig
from pipeline import config
from tests import neutral

PROBLEMS = sorted(file.parent for file in Path("data").glob("*/problem.toml"))
DESCRIPTION = Description.model_validate(tomllib.loads(neutral.CARD))
HOSTILE = [
    "<script>alert(1)</script>",
    "a|b",
    "`rm -rf`",
    "**bold**",
    "[x](javascript:alert(1))",
    "a\n\n# b",
    "\\",
    "\\|",
    "&lt;",
]
HOSTILE += [
    "_under_",
    "$1$",
    "~~x~~",
    "https://evil.example",
    "www.evil.example",
    "\x1b[31mred",
    "\u202ereversed",
    "| - |",
    "- x",
]

FACTS = {
    "model": "parcels",
    "created": "2026-01-02T03:04:05+00:00",
    "span": "2013-03",
    "window": ["2013-01", "2013-02", "2013-03"],
    "rows": {"train": 68855, "eval": 9056},
    "git_commit": "0123abc",
    "tensorflow": "2.21.0",
    "configuration": {"train": {"epochs": 3, "seed": 2013}, "publish": {"model": "parcels"}},
    "metrics": {
        "overall": {"calibration": 1.0531, "example_count": 9056.0, "auc": 0.69858},
        "country=DE": {"auc": 0.674, "calibration": 1.01, "example_count": 1580.0},
        "country=FL": {"auc": 0.9, "calibration": 1.9, "example_count": 100.0},
        "country=AS": {"auc": 0.111, "calibration": 1.9, "example_count": 99.0},
        "country=YV": {"calibration": 1.9, "example_count": 6.0},
        "shop=toys": {"calibration": 1.9, "example_count": 3081.0},
    },
}


def drift(*reasons: str) -> drift_report.Report:
    reference = drift_report.Reference(model="parcels", version=7, span="2013-02", window=["2012-12", "2013-02"], rows=5)
    return drift_report.Report(
        span="2013-03",
        rows=9,
        reference=reference if reasons else None,
        verdict="drifted" if reasons else "no_reference",
        reasons=list(reasons) or ["no reference yet: nothing is in production"],
        retrain=True,
        blocked=[],
        checks=[],
    )


def statistics(*texts: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """A column of texts named as the first of them, a number, and a number without a value."""
    result = statistics_pb2.DatasetFeatureStatisticsList()
    features = result.datasets.add().features
    text = features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
    text.path.step.append(texts[0])
    text.string_stats.unique = len(texts)
    text.string_stats.common_stats.num_non_missing = 4
    for value in texts:
        text.string_stats.top_values.add(value=value, frequency=1)
    price = features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
    price.path.step.append("price")
    price.num_stats.common_stats.num_missing, price.num_stats.common_stats.num_non_missing = 1, 3
    price.num_stats.mean, price.num_stats.min, price.num_stats.max = 50.74, -3, 1013.2
    weight = features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
    weight.path.step.append("weight")
    weight.num_stats.mean = weight.num_stats.min = weight.num_stats.max = float("nan")
    return result


def card(*reasons: str, facts=FACTS, before=None, texts=("DE", "AT"), findings=()) -> VersionCard:
    return model_card.build(
        DESCRIPTION,
        Facts(**facts),
        before=before or {},
        drift=drift(*reasons),
        findings=findings,
        statistics=statistics(*texts),
    )


def rows(page: str) -> dict[str, list[str]]:
    """Rows of all tables of a page, by their first cell, as a browser shows them."""
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)]
    return {html.unescape(row[0]): [html.unescape(cell) for cell in row[1:]] for row in cells if row}


def page_of(found: VersionCard) -> str:
    """As GitHub's Markdown, with raw HTML let through: what is dangerous then would be seen."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown.render(found))


def test_slices_of_fewer_than_100_rows_are_summed_up_and_not_shown():
    found = card()
    assert [(each.name, each.rows) for each in found.slices] == [
        ("country=DE", 1580),
        ("country=FL", 100),
        ("shop=toys", 3081),
    ]
    assert [each.model_dump() for each in found.small_slices] == [{"factor": "country", "slices": 2, "rows": 105}]
    text = markdown.render(found)
    assert "Not shown: 2 of country with fewer than 100 rows, 105 in all." in text
    assert "country=AS" not in text


def test_metrics_are_in_one_order():
    """TFMA's differs from run to run."""
    assert list(card().metrics) == ["auc", "calibration"]


def test_figures_are_rounded_and_have_their_rows():
    shown = rows(page_of(card(before={"auc": 0.7114, "example_count": 9056.0})))
    assert shown["AUC"][1:] == ["0.699", "0.711"]
    assert shown["calibration"][1:] == ["1.053", "-"]  # of the model before it is not known
    assert shown["country=DE"] == ["1,580", "0.67", "1.01"]
    assert shown["shop=toys"] == ["3,081", "-", "1.90"]
    assert "A dash: all rows of the slice are of one class" in markdown.render(card())
    assert shown["price"] == ["number", "-3 to 1013, mean 50.7", "25.0%"]
    assert shown["weight"] == ["number", "-", "100.0%"]
    assert shown["DE"] == ["text", "2 values: DE 25%, AT 25%", "0.0%"]


def test_a_metric_without_a_definition_here_keeps_its_name():
    facts = FACTS | {"metrics": {"overall": {"recall|50": 0.5, "example_count": 9.0}}}
    assert rows(page_of(card(facts=facts)))["recall|50"] == ["as TensorFlow Model Analysis defines it", "0.500"]


def test_the_first_card_has_nothing_to_compare_with():
    text = markdown.render(card())
    assert "model before" not in text
    assert "Nothing was in production before, so there was nothing to compare 2013-03 with." in text


def test_what_was_found_in_the_data_comes_before_all_figures():
    finding = data_findings.Finding("eval", "price", "new values", "2", "none", "warning")
    text = markdown.render(card(findings=[finding]))
    assert "Found in 2013-01 to 2013-03, and accepted:\n\n- eval split, price: new values. Found: 2. Expected: none.\n" in text
    assert text.index("new values") < text.index("## Metrics")
    assert "Nothing was found in 2013-01 to 2013-03" in markdown.render(card())


def test_a_drift_of_many_reasons_is_cut_and_counted():
    text = markdown.render(card(*(f"reason {number}" for number in range(7))))
    assert "2013-03 against 2012-12 to 2013-02, which the model before was trained on: drifted." in text
    assert "- reason 4\n- and 2 more, in model_card.json\n" in text
    assert "reason 5" not in text


def test_the_card_states_no_version_number():
    """A rollback publishes it again under another one."""
    found = card("reason")
    assert not re.search(r"version\W+7", found.model_dump_json() + markdown.render(found))
    assert "version" not in {*found.model_dump(), *found.drift.model_dump()}


def test_what_a_person_wrote_and_what_was_set_is_all_there():
    text = markdown.render(card())
    for value in DESCRIPTION.model_dump().values():
        for part in [value] if isinstance(value, str) else value:
            assert part in text
    assert "    train.epochs = 3\n    train.seed = 2013\n" in text


def test_the_json_is_the_card_and_the_markdown_is_made_of_it():
    found = card("reason", before={"auc": 0.7})
    again = VersionCard.model_validate_json(found.model_dump_json())
    assert again == found
    assert markdown.render(again) == markdown.render(found)
    json.dumps(found.model_dump(), allow_nan=False)


def test_both_files_are_written(tmp_path):
    found = card()
    files = markdown.write(found, tmp_path)
    assert {name: path.name for name, path in files.items()} == {name: name for name in ("model_card.md", "model_card.json")}
    assert VersionCard.model_validate_json(files["model_card.json"].read_text()) == found
    assert files["model_card.md"].read_text() == markdown.render(found)


def test_tables_are_padded_for_a_terminal():
    for block in re.findall(r"(?:^\|.*\n)+", markdown.render(card(before={"auc": 0.7})), re.MULTILINE):
        assert len({len(line) for line in block.splitlines()}) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_is_shown_and_not_obeyed(name):
    metrics = FACTS["metrics"] | {f"country={name}": {"auc": 0.5, "calibration": 1.0, "example_count": 200.0}}
    facts = FACTS | {"metrics": metrics, "configuration": {"data": {"spans": name}}}
    page = page_of(card(f"{name} drifted", facts=facts, texts=(name, "AT"), findings=[name]))
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(name.split()))
    assert rows(page)[f"country={shown}"] == ["200", "0.50", "1.00"]
    assert rows(page)[shown] == ["text", f"2 values: {shown} 25%, AT 25%", "0.0%"]
    assert f"{shown} drifted" in html.unescape(re.sub(r"<[^>]*>", "", page))
    tags = {tag.lower() for tag in re.findall(r"<(\w+)", page)}
    assert tags <= {
        *("h1", "h2", "p", "ul", "li", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"),
        "details",
        "summary",
    }


def test_bare_addresses_do_not_become_links():
    """GitHub makes links of them, which CommonMark does not."""
    text = markdown.render(card("see https://evil.example and www.evil.example"))
    assert r"- see https:\//evil.example and www\.evil.example" in text


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(max_size=20))
def test_any_text_stays_the_one_cell_that_it_was(text):
    table = markdown.table(["a", "b"], [[text, "1"], ["x", "2"]])
    page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(table)
    shown = [
        [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in page.split("<tr>")[2:]
    ]
    assert shown == [["".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split())), "1"], ["x", "2"]]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda folder: folder.name)
def test_the_committed_descriptions_are_valid_and_can_be_parameters_on_kubeflow(problem):
    assert (
        "{{" not in model_card.read(Path(config.load(problem=problem).publish.card)).model_dump_json()
    )  # Argo would replace it


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("summary =", "sumary =", r"summary: Field required; sumary = .*: Extra inputs are not permitted"),
        ('license = "', 'license = " " # ', "license = ' ': String should have at least 1 character"),
        ("uses = [", "uses = []\nx = [", "uses: List should have at least 1 item"),
        ("uses = [", "uses = [ 3,", "uses.0 = 3: Input should be a valid string"),
        ("uses = [", "uses = ?[", "Invalid value"),
    ],
)
def test_a_wrong_description_is_named(tmp_path, before, after, message):
    path = tmp_path / "card.toml"
    assert before in neutral.CARD
    path.write_text(neutral.CARD.replace(before, after, 1))
    with pytest.raises(BadConfig, match=f"card.toml does not describe the model for its card: .*{message}.*publish.card"):
        model_card.read(path)


def test_a_missing_description_is_named(tmp_path):
    with pytest.raises(BadConfig, match=r"none.toml does not describe the model for its card: .*No such file.*limits"):
        model_card.read(tmp_path / "none.toml")


def test_texts_over_several_lines_become_one():
    stated = DESCRIPTION.model_dump() | {"summary": "\na  model\nof parcels\n"}
    assert Description.model_validate(stated).summary == "a model of parcels"
