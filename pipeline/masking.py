"""The configuration as others may see it: what people put passwords in is masked in manifests, cards, reports and logs."""

import logging
from collections.abc import Iterator
from typing import Any

from pipeline.section import SENSITIVE, Section

MASK = "***"
SHORTEST = 6  # characters of a value that is masked wherever it stands; a shorter one, such as 1.20, only behind its option


def settings(section: Section) -> dict[str, Any]:
    """A section, or the whole configuration, as JSON takes it, by alias."""
    values = section.model_dump(mode="json", by_alias=True)
    for name, field in type(section).model_fields.items():
        key, value = field.alias or name, getattr(section, name)
        if isinstance(value, Section):
            values[key] = settings(value)
        elif SENSITIVE in field.metadata:
            values[key] = masked(value)
    return values


def masked(value: str | list[str]) -> str | list[str]:
    """A text as a whole, options without what stands behind `=`; an empty one stays empty."""
    if isinstance(value, str):
        return MASK if value else ""
    return [_option(each) for each in value]


def keep_out_of_logs(config: Section) -> None:
    """Masks from now on what this process logs: TFX logs Beam's options with each run, and Beam those that it does not know."""
    hidden = dict(sorted(_hidden(config), key=lambda pair: -len(pair[0])))
    make = logging.getLogRecordFactory()

    def record(*arguments: Any, **further: Any) -> logging.LogRecord:
        made = make(*arguments, **further)
        text = made.getMessage()
        if any(secret in text for secret in hidden):
            for secret, mask in hidden.items():
                text = text.replace(secret, mask)
            made.msg, made.args = text, ()
        return made

    if hidden:
        logging.setLogRecordFactory(record)


def _hidden(section: Section) -> Iterator[tuple[str, str]]:
    """Texts that must not be seen, each with what takes its place."""
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
