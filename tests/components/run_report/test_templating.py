"""Numbers as people read them; everything else escaped."""

import base64
import hashlib
import re

import pytest
from jinja2 import UndefinedError

from components.run_report import templating
from tests.components.run_report.samples import SCRIPT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, templating.MISSING),
        (0, "0"),
        (0.7191, "0.719"),
        (0.56, "0.560"),
        (0.0126, "0.0126"),
        (0.00041, "0.000410"),
        (1.2e-7, "1.2e-07"),
        (75.31, "75.3"),
        (805.2, "805"),
        (999.4, "999"),
        (999.6, "1,000"),
        (12345.6, "12,346"),
        (-11.3, "-11.3"),
    ],
)
def test_figures_have_three_digits(value, expected):
    assert templating.figure(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, templating.MISSING), (0, "0.0 %"), (0.1234, "12.3 %"), (0.0001, "< 0.1 %"), (0.0005, "0.1 %"), (1, "100.0 %")],
)
def test_a_share_that_is_not_zero_is_not_written_as_zero(value, expected):
    assert templating.share(value).replace("\N{NO-BREAK SPACE}", " ") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, templating.MISSING),
        (0.02, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (95, "1 min 35 s"),
        (3720, "1 h 2 min"),
    ],
)
def test_durations(value, expected):
    assert templating.duration(value).replace("\N{NO-BREAK SPACE}", " ") == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, templating.MISSING), (0.0101, "+0.0101"), (-2, "\N{MINUS SIGN}2.00"), (0, "0")]
)
def test_a_difference_has_a_sign(value, expected):
    assert templating.signed(value) == expected


def test_values_are_escaped_and_unknown_names_are_errors():
    template = templating.environment().from_string("<p title='{{ value }}'>{{ value }}</p>")
    assert "<script" not in template.render(value=SCRIPT)
    with pytest.raises(UndefinedError):
        template.render()


def test_the_policy_allows_the_one_script_and_no_other():
    page = '{% extends "base.html.j2" %}{% block title %}t{% endblock %}{% block content %}c{% endblock %}'
    made = templating.environment().from_string(page).render()
    [script] = re.findall(r"<script>(.*?)</script>", made, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in made
    assert "default-src 'none'" in made
