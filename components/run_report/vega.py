"""Draw Altair's charts as inline SVG, without a network, in the colours of the page's theme, safe for any text."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

import altair as alt
import vl_convert
from markupsafe import Markup

SVG = "http://www.w3.org/2000/svg"
VEGA_LITE = "6.4"
WIDTH = 330  # px with labels; the page scales the picture to its card
NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # https://www.w3.org/TR/xml/#charsets
KEPT = {"svg", "g", "path", "line", "text", "tspan", "rect", "defs", "clipPath"}  # what Vega draws with
NOISE = {"class", "role", "pointer-events", "font-family", "version"}  # of no use in the page

CONFIG = {
    "background": "transparent",
    "font": "Liberation Sans",  # as wide as Arial, in which the page writes it
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "gridColor": "var(--grid)",
        "domainColor": "var(--muted)",
        "tickColor": "var(--muted)",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelLimit": 150,
        "tickSize": 4,
    },
    "axisX": {"tickCount": 5, "labelFlush": False, "labelOverlap": "greedy", "labelSeparation": 4},
    "axisY": {"tickCount": 4},
}

ElementTree.register_namespace("", SVG)


def chart(rows: list[dict]) -> alt.Chart:
    """Begin a chart of these rows."""
    return alt.Chart(alt.Data(values=rows))


def svg(drawing: alt.TopLevelMixin, label: str, height: int) -> Markup:
    """Draw a chart, as wide as `WIDTH`.

    Args:
        drawing: single or layered; its colours may be the page's CSS variables, as in "var(--candidate)".
        label: what a screen reader says for it; must differ from that of any other chart of the page.
        height: of the plot without its labels, in px.

    Raises:
        ValueError: it was drawn with an element that is none of `KEPT`.
    """
    size = {"width": WIDTH, "height": height, "autosize": {"type": "fit-x", "contains": "padding"}, "config": CONFIG}
    # A character that XML does not allow would end this process, not raise an error.
    label, specification = _as_xml(label), _as_xml(drawing.to_dict(validate=False))
    drawn = _drawn(json.dumps(specification | size))
    root = ElementTree.fromstring(drawn)  # noqa: S314 it is vl-convert's
    prefix = hashlib.sha256(label.encode()).hexdigest()[:8]
    _tidy(root, {old: f"{prefix}-{place}" for place, old in enumerate(re.findall(r' id="([^"]+)"', drawn))})
    root.attrib |= {"role": "img", "aria-label": label}
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 the serializer escapes


@lru_cache(maxsize=256)  # of a few pages: a run's page is written twice
def _drawn(specification: str) -> str:
    return vl_convert.vegalite_to_svg(json.loads(specification), vl_version=VEGA_LITE, allowed_base_urls=[])


def _as_xml(value: Any) -> Any:
    """Remove the characters that XML does not allow from a value, keys of dictionaries included."""
    if isinstance(value, str):
        return NO_XML.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, Mapping):
        return {_as_xml(key): _as_xml(each) for key, each in value.items()}
    return [_as_xml(each) for each in value] if isinstance(value, list | tuple) else value


def _tidy(element: ElementTree.Element, ids: Mapping[str, str]) -> None:
    """Remove what draws nothing, and give names that are unique in the page: Vega counts them through a process."""
    name = element.tag.removeprefix(f"{{{SVG}}}")
    if name not in KEPT:
        raise ValueError(f"Vega drew <{name}>; expected one of {', '.join(sorted(KEPT))}")
    noise = NOISE if name == "rect" else NOISE | {"width", "height"}
    for key, value in list(element.attrib.items()):
        if key in noise or key.startswith("aria-") or (key, value) == ("opacity", "1"):
            del element.attrib[key]
        elif key == "id":
            element.set(key, ids[value])
        elif value.startswith("url(#"):
            element.set(key, f"url(#{ids[value[5:-1]]})")
    for child in list(element):
        _tidy(child, ids)
        if name != "clipPath" and _is_empty(child):
            element.remove(child)


def _is_empty(element: ElementTree.Element) -> bool:
    name = element.tag.removeprefix(f"{{{SVG}}}")
    if name == "path":  # Vega's backgrounds and foregrounds
        return element.get("d", "") in ("", "M0,0h0v0h0Z") or not {"fill", "stroke"} & set(element.attrib)
    return name in ("g", "defs") and len(element) == 0
