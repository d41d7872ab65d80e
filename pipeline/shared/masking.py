"""Mask passwords in the configuration wherever others may see it: manifests, cards, reports and logs."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

from pipeline.shared.section import MASK, Section

SHORTEST = 6  # characters of a value that is masked anywhere; a shorter one, such as 1.20, only after its option


def settings(section: Section) -> dict[str, Any]:
    """Return a section, or the whole configuration, as values of JSON, by alias and masked."""
    return section.model_dump(mode="json", by_alias=True, context=MASK)


def masker(config: Section) -> Callable[[str], str]:
    """Return a function that masks in a text what it quotes of the configuration, be it escaped by Python or JSON."""
    hidden = {}
    for text, mask in zip(_texts(config.model_dump(mode="json")), _texts(settings(config)), strict=True):
        if text != mask:
            hidden[text] = mask
            if mask != MASK and len(value := text.partition("=")[2]) >= SHORTEST:
                hidden[value] = MASK
    hidden |= {repr(text)[1:-1]: mask for text, mask in hidden.items()}
    hidden |= {json.dumps(text)[1:-1]: mask for text, mask in hidden.items()}
    # The longest first: an option as a whole, before its value.
    in_order = sorted(hidden.items(), key=lambda pair: -len(pair[0]))

    def mask_text(text: str) -> str:
        for secret, mask in in_order:
            text = text.replace(secret, mask)
        return text

    return mask_text


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def keep_out_of_logs(config: Section) -> None:
    """Mask from now on what this process logs: TFX logs Beam's options with each run, and Beam those that it does not know."""
    mask, make, formatter = masker(config), logging.getLogRecordFactory(), logging.Formatter()

    def record(*arguments: Any, **further: Any) -> logging.LogRecord:
        made = make(*arguments, **further)
        try:
            text = made.getMessage()
        except Exception:  # its arguments do not fit, for which logging must not fail
            text = f"{made.msg} {made.args}"
        made.msg, made.args = mask(text), ()
        if made.exc_info:
            made.exc_text = mask(formatter.formatException(made.exc_info))
        return made

    logging.setLogRecordFactory(record)
