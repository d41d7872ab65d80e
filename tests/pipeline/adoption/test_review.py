"""The page before the first run shows each column, why it is what it is, and what a person should check."""

import re

import numpy as np
import pandas as pd
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from components.run_report.facts import Distribution, FeatureFacts
from components.shared.errors import BadConfig, Exit
from components.shared.units import Unit
from pipeline import adopt
from pipeline.adoption import decisions, review
from pipeline.adoption.reasons import LeftOut
from pipeline.config import load
from tests import neutral

MONTHS = [f"2024-{month:02}" for month in range(1, 6)]


@pytest.fixture(scope="module")
def adopted(tmp_path_factory):
    """The folder of parcels with a column of codes, one that is often missing, one that is new, and two that are left out."""
    into = tmp_path_factory.mktemp("adopted")
    made = neutral.rows(MONTHS, each=300)
    random = np.random.default_rng(1)
    made["zone_id"] = random.integers(100, 140, len(made))
    made["unit"] = "<kg>"
    made["copy"] = made[neutral.LABEL]
    made["height"] = pd.Series(random.normal(size=len(made))).where(made[neutral.DATE].astype(str) > "2024-05")
    made.to_csv(into / "parcels.csv", index=False)
    assert (
        adopt.main([str(into / "parcels.csv"), "--name", "parcels", "--label", neutral.LABEL, "--into", str(into)]) == Exit.DONE
    )
    return into


def test_a_page_shows_what_was_decided_and_why(adopted, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert adopt.main(["--review", "--name", "parcels", "--into", str(adopted)]) == Exit.DONE
    page = tmp_path / "runs" / "parcels" / "review.html"
    assert f"Review: {page}" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    config = load(problem=adopted / "parcels")
    for name in (config.problem.label, *(each.name for each in config.problem.features)):
        assert f'id="column-{name}"' in text
    assert re.search(r"It is categorical \(likely\): is that so\? \d+ integers that are codes, by the name\.", text)
    listed = re.search(r'id="check".*?<ul class="steps">(.*?)</ul>', text, re.DOTALL)[1].count("<li>")
    assert listed > 2 and f"<dt>To check</dt><dd>{listed} " in text
    assert text.count("<svg") > len(config.problem.features)
    assert "constant: &lt;kg&gt;" in text and "a copy of it, or known only after it" in text
    assert "of the rows of 2024-05: what changed?" in text
    assert not re.search(r"(src|href)=\"?https?:", text), "nothing is fetched from anywhere"
    assert not list((tmp_path / "runs" / "parcels").glob(".tmp-*"))


def test_decisions_are_read_as_they_were_written(adopted, tmp_path):
    found = decisions.read(adopted / "parcels")
    assert found.label == "binary, 1 is 1, 0 is 0 (sure)"
    assert {each.name for each in found.left_out} == {"unit", "copy"}
    decisions.write(found, tmp_path)
    assert decisions.read(tmp_path) == found
    assert decisions.read(adopted) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--review", "--name", "nobody"], "Expected the --name of a problem's folder"),
        (["--review", "--name", "nobody", "a.csv"], "expected FILE... to make a folder of, or --review"),
        (["--name", "nobody"], "expected FILE... to make a folder of, or --review"),
    ],
)
def test_what_cannot_be_shown_is_one_message(tmp_path, capsys, arguments, message):
    try:
        code = adopt.main([*arguments, "--into", str(tmp_path)])
    except SystemExit as ended:
        code = ended.code
    found = capsys.readouterr()
    assert (code, message in found.out + found.err) == (Exit.WRONG_SETTING, True)


def test_spans_of_other_files_are_refused(adopted, tmp_path):
    config = load(problem=adopted / "parcels", overrides=[f"data.spans={tmp_path}"])
    (tmp_path / "2024-01").mkdir()
    with pytest.raises(BadConfig, match="has no Parquet files of 2024-01"):
        review.rows(config, ["2024-01"])


def column(kind="numeric", missing=0.0, newest=0.0, texts=0, reason=None):
    parts = [Distribution(rows=100, missing=share, shares=[1.0]) for share in (missing, newest)]
    facts = FeatureFacts(name="a", edges=[0.0, 1.0], train=parts[0], eval=parts[1], reference=None)
    return review.Column("a", kind, facts, reason, schema_pb2.Feature(), texts, "2024-05")


@pytest.mark.parametrize(
    ("found", "questions"),
    [
        (column(), []),
        (
            column(missing=0.3, newest=0.3),
            ["Missing in 30% of rows: does a request lack it as often, and for the same reason?"],
        ),
        (column(newest=0.2), ["Missing in 20% of the rows of 2024-05: what changed?"]),
        (column("categorical", texts=5000), ["It has 5,000 values: do they come again, or does each name a row?"]),
        (column("cyclic", reason=LeftOut("a", "By its name", "likely")), ["It is cyclic (likely): is that so? By its name."]),
        (column("cyclic", reason=LeftOut("a", "of b", "sure")), []),
        (column()._replace(facts=None), ["It has no value in the first window."]),
    ],
)
def test_what_only_a_person_can_say_is_asked(found, questions):
    assert found.checks == questions


def test_what_the_schema_allows_is_told_in_words():
    texts = schema_pb2.Feature(domain="a", presence={"min_fraction": 1}, distribution_constraints={"min_domain_mass": 0.98})
    assert review.in_words(texts) == "the texts that it lists, and others in 2.0% of rows; never missing"
    closed = schema_pb2.Feature(string_domain={"value": ["a", "b"]}, presence={"min_fraction": 1})
    assert review.in_words(closed) == "one of 2 texts; never missing"
    assert review.in_words(schema_pb2.Feature(presence={"min_fraction": 0.9})) == "any value; at most 10% missing"


def test_the_first_window_is_the_first_that_a_run_can_take(adopted):
    data = load(problem=adopted / "parcels").data.model_copy(update={"unit": Unit.MONTH, "window": 3, "max_gaps": 1})
    assert review.window(["2024-01", "2024-03", "2024-04", "2024-05"], data) == ["2024-01", "2024-03"]
    assert review.window(["2024-01"], data) == ["2024-01"]
