"""Set up Jinja2 for both pages: everything is escaped, numbers are written for people, an undefined name is an error."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from components.run_report.facts import Limit
from components.shared.units import called

FOLDER = Path(__file__).parent / "templates"
MISSING = "\N{EN DASH}"
DIGITS = 3  # of a number, where no more are needed
MOST_DIGITS = 17  # with so many, any two numbers differ


@cache
def environment() -> Environment:
    """Load the templates, with the script that `base.html.j2` puts inline."""
    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = _own("script.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    made.globals |= {"style": _own("style.css"), "script": script, "script_hash": f"sha256-{digest}"}
    made.filters |= {each.__name__: each for each in (count, share, figure, signed, duration, amount, called)}
    return made


def render_page(template: str, styles: Sequence[str] = ("style.css",), **values: Any) -> str:
    """Fill a template, with these styles inline."""
    return environment().get_template(template).render(style=Markup("").join(map(_own, styles)), **values)


def _own(name: str) -> Markup:
    return Markup((FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704 our own file


def count(value: int | None) -> str:
    """Write 12345 as 12,345."""
    return MISSING if value is None else f"{value:,}"


def share(value: float | None, digits: int = DIGITS) -> str:
    """Write 0.1234 as 12.3 %; each digit above three adds a decimal, and a share above zero is never written as zero."""
    if value is None:
        return MISSING
    decimals = digits - DIGITS + 1
    if 0 < value < 0.005 * 10**-decimals:  # half of the last digit
        return f"< {10**-decimals:.{decimals}f} %"
    return f"{value:.{decimals}%}".replace("%", "\N{NO-BREAK SPACE}%")


def figure(value: float | None, digits: int = DIGITS) -> str:
    """Write a number with at least three significant digits, an exponent only below 0.0001, no decimals from 1,000 on."""
    if value is None:
        return MISSING
    if value == 0:
        return "0"
    if abs(value) >= 10**digits - 0.5:  # rounded to a digit more
        return f"{value:,.0f}"
    below = f"{value:.{digits - 2}e}"  # one digit less, since so small a number is rough
    return f"{value:#,.{digits}g}".removesuffix(".") if abs(float(below)) >= 1e-4 else below  # noqa: PLR2004


def amount(value: float | None, unit: str = "", digits: int = DIGITS) -> str:
    """Write a figure with its unit: a share in percent, rows and days as counts."""
    if value is None:
        return MISSING
    size, sign = abs(value), "\N{MINUS SIGN}" if value < 0 else ""
    if unit == "share":
        return sign + share(size, digits)
    if unit in ("rows", "days"):
        return f"{sign}{size:,.0f}"
    return sign + figure(size, digits) + (f"\N{NO-BREAK SPACE}{unit}" if unit else "")


def limit_words(limit: Limit) -> tuple[str, str]:
    """Word a figure and its limit with as many digits as tell them apart: "0.59996", and "at least 0.60000"."""
    ends = [(word, end) for word, end in (("at least", limit.at_least), ("at most", limit.at_most)) if end is not None]
    digits = [_digits(limit, end) for _, end in ends]
    told = [f"{word} {amount(end, limit.unit, each)}" for (word, end), each in zip(ends, digits, strict=True)]
    return amount(limit.value, limit.unit, max(digits, default=DIGITS)), " and ".join(told)


def _digits(limit: Limit, end: float) -> int:
    """Return how many digits it takes until the value and this end are different texts."""
    digits = DIGITS
    while (
        limit.value != end
        and digits < MOST_DIGITS
        and amount(limit.value, limit.unit, digits) == amount(end, limit.unit, digits)
    ):
        digits += 1
    return digits


def signed(value: float | None) -> str:
    """Write a difference, with its sign."""
    if value is None:
        return MISSING
    return ("+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else "") + figure(abs(value))


def duration(seconds: float | None) -> str:
    """Write 0.02 as 0.0 s, 95 as 1 min 35 s, 3700 as 1 h 2 min."""
    if seconds is None:
        return MISSING
    if round(seconds, 1) < 60:  # noqa: PLR2004 a minute
        return f"{seconds:.1f}\N{NO-BREAK SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
    return text.replace(" ", "\N{NO-BREAK SPACE}")
