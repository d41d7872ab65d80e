"""Mask passwords in the configuration wherever others may see it: manifests, cards, reports and logs."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

from pipeline.shared.section import SENSITIVE, Section

MASK = "***"
SHORTEST = 6  # characters of a value that is masked anywhere; a shorter one, such as 1.20, only after its option


def settings(section: Section) -> dict[str, Any]:
    """Return a section, or the whole configuration, as values of JSON, by alias and masked."""
    values = section.model_dump(mode="json", by_alias=True)
    for name, field in type(section).model_fields.items():
        key, value = field.alias or name, getattr(section, name)
        if isinstance(value, Section):
            values[key] = settings(value)
        elif SENSITIVE in field.metadata:
            values[key] = masked(value)
    return values


def masked(value: str | list[str]) -> str | list[str]:
    """Mask a whole text, or in each option of a list what follows `=`; an empty text stays empty."""
    if isinstance(value, str):
        return MASK if value else ""
    return [_option(each) for each in value]


def masker(config: Section) -> Callable[[str], str]:
    """Return a function that masks in a text what it quotes of the configuration, be it escaped by Python or JSON."""
    hidden = dict(pair for text, mask in _hidden(config) for pair in ((text, mask), (repr(text)[1:-1], mask)))
    hidden |= {json.dumps(text)[1:-1]: mask for text, mask in hidden.items()}
    # The longest first: an option as a whole, before its value.
    in_order = sorted(hidden.items(), key=lambda pair: -len(pair[0]))

    def mask_text(text: str) -> str:
        for secret, mask in in_order:
            text = text.replace(secret, mask)
        return text

    return mask_text


def keep_out_of_logs(config: Section) -> None:
    """Mask from now on what this process logs: TFX logs Beam's options with each run, and Beam those that it does not know."""
    mask, make, formatter = masker(config), logging.getLogRecordFactory(), logging.Formatter()

    def record(*arguments: Any, **further: Any) -> logging.LogRecord:
        made = make(*arguments, **further)
        try:
            text = made.getMessage()
        except Exception:  # its arguments do not fit, for which logging must not fail
            made.msg, made.args = f"{made.msg} {made.args}", ()
            text = made.getMessage()
        if (masked_text := mask(text)) != text:
            made.msg, made.args = masked_text, ()
        if made.exc_info:
            made.exc_text = mask(formatter.formatException(made.exc_info))
        return made

    logging.setLogRecordFactory(record)


def _hidden(section: Section) -> Iterator[tuple[str, str]]:
    """Yield texts that must not be seen, each with its replacement."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _hidden(value)
        elif SENSITIVE in field.metadata:
            if isinstance(value, str):
                found = [(value, MASK)]
            else:
                found = [pair for each in value for pair in ((each, _option(each)), (_secret(each), MASK))]
            yield from ((text, mask) for text, mask in found if text and text != mask)


def _secret(option: str) -> str:
    value = option.partition("=")[2]
    return value if len(value) >= SHORTEST else ""


def _option(text: str) -> str:
    name, equals, _ = text.partition("=")
    return f"{name}={MASK}" if equals else text
