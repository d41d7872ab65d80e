"""A value and its limit are the same text only if they are the same number, in every place that tells them."""

import pytest

from components.run_report import advice, page, templating
from components.run_report.facts import Limit
from tests.components.run_report import samples
from tests.components.run_report.test_verdict import refused


@pytest.mark.parametrize(
    ("limit", "value", "ends"),
    [
        ({"value": 0.695, "at_least": 0.9}, "0.695", "at least 0.900"),
        ({"value": 0.6, "at_least": 0.6}, "0.600", "at least 0.600"),
        ({"value": None, "at_least": 0.6}, templating.MISSING, "at least 0.600"),
        ({"value": 0.6}, "0.600", ""),
        ({"value": 0.59996, "at_least": 0.6}, "0.59996", "at least 0.60000"),
        ({"value": -0.01004, "at_least": -0.01}, "\N{MINUS SIGN}0.01004", "at least \N{MINUS SIGN}0.01000"),
        ({"value": 2500.4, "at_most": 2500, "unit": "MB"}, "2,500.4 MB", "at most 2,500.0 MB"),
        ({"value": 1.04e-5, "at_most": 1e-5}, "1.04e-05", "at most 1.00e-05"),
        ({"value": 0.000099996, "at_least": 0.0001}, "9.9996e-05", "at least 0.00010000"),
        ({"value": 0.00104, "at_most": 0.001, "unit": "share"}, "0.104 %", "at most 0.100 %"),
        ({"value": 0.0004, "at_most": 0.0001, "unit": "share"}, "0.04 %", "at most 0.01 %"),
        (
            {"value": 0.01996, "at_least": 0.02, "at_most": 0.6, "unit": "share"},
            "1.996 %",
            "at least 2.000 % and at most 60.0 %",
        ),
        ({"value": 999, "at_least": 1000, "unit": "rows"}, "999", "at least 1,000"),
        ({"value": 0.1 + 0.2, "at_most": 0.3}, "0.30000000000000004", "at most 0.29999999999999999"),
    ],
)
def test_as_many_digits_as_tell_them_apart(limit, value, ends):
    told = templating.limit_words(Limit(name="figure", **limit))
    assert [words.replace("\N{NO-BREAK SPACE}", " ") for words in told] == [value, ends]


def test_headline_advice_and_page_tell_them_apart():
    limit = Limit(name="AUC", value=0.59996, at_least=0.6, settings=["evaluate.min_auc"])
    assert "(AUC 0.59996, limit at least 0.60000)" in refused(limit).headline
    facts = samples.refused()
    held = [gate.model_copy(update={"limits": [limit]}) if gate.id == "model" else gate for gate in facts.gates]
    nothing_to_draw = dict.fromkeys(("data", "drift", "candidate", "phone", "server"))
    near = facts.model_copy(update=nothing_to_draw | {"gates": held})
    assert "evaluate.min_auc decided: AUC is 0.59996, and must be at least 0.60000. If" in " ".join(
        step.text for step in advice.steps(near, "")
    )
    shown = page.render(near)
    assert 'data-label="Value">0.59996</td>' in shown
    assert 'data-label="Limit">at least 0.60000</td>' in shown
