"""Draw the DAG of a run: layers from top to bottom, few arrows, every state by colour, sign and word. Deterministic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise

from markupsafe import Markup

from components.run_report.facts import Node
from components.run_report.templating import duration

WORDS = {"done": "done", "cached": "cached", "failed": "failed", "refused": "refused"} | {
    "not_tried": "not tried",
    "skipped": "skipped",
    "not_run": "not run",
}
SIGNS = {"done": "✓", "cached": "↺", "failed": "✕", "refused": "✕"} | {
    "not_tried": "\N{EN DASH}",
    "skipped": "»",
    "not_run": "\N{EN DASH}",
}

BOX, HEIGHT = 116, 38  # of a node
GAP, DROP = 5, 26  # between boxes of a layer, and between layers
LETTER = 0.7  # of the font size: the mean of a bold name in the widest common font, DejaVu Sans
LANE = 8  # of an arrow that passes a layer
SWEEPS = 8  # of the barycentre heuristic; it settles in fewer

Edge = tuple[str, str]


@dataclass(frozen=True)
class Place:
    """A node, or a point of a long arrow, by its middle in the picture and its layer."""

    x: float
    layer: int


def svg(nodes: Sequence[Node]) -> Markup:
    """Draw the DAG as SVG, which a screen reader reads as the states in words.

    Args:
        nodes: of the DAG; an upstream node that is not among them is left out.
    """
    edges = reduced({node.name: [name for name in node.upstream if name in {each.name for each in nodes}] for node in nodes})
    layers = layered(edges)
    places, width = placed(ordered(edges, layers), edges, layers)
    height = max(layers.values(), default=0) * (HEIGHT + DROP) + HEIGHT
    words = ", ".join(f"{node.name} {WORDS[node.state]}" for node in nodes)
    parts = [_arrow(path, places) for path in _paths(edges, layers)] + [_box(node, places[node.name]) for node in nodes]
    return Markup(
        '<svg class="dag" role="img" aria-label="The nodes of the pipeline: {}." viewBox="-1 -1 {:g} {:g}" '
        'style="max-width: {:g}px">{}</svg>'
    ).format(words, width + 2, height + 2, width * 1.15, Markup("").join(parts))


def reduced(upstream: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the transitive reduction: without the arrows that a longer way implies. Raises graphlib.CycleError."""
    above: dict[str, set[str]] = {}
    for name in TopologicalSorter(upstream).static_order():
        above[name] = set(upstream[name]).union(*(above[parent] for parent in upstream[name]))
    return {
        name: [each for each in dict.fromkeys(parents) if not any(each in above[other] for other in parents)]
        for name, parents in upstream.items()
    }


def layered(upstream: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the layer of each node: the length of the longest way to it."""
    found: dict[str, int] = {}
    for name in TopologicalSorter(upstream).static_order():
        found[name] = max((found[parent] + 1 for parent in upstream[name]), default=0)
    return {name: found[name] for name in upstream}


def _paths(upstream: Mapping[str, Sequence[str]], layers: Mapping[str, int]) -> list[list[str]]:
    """List each arrow from parent to child, with a point in each layer that it passes."""
    return [
        [parent, *(f"{parent}>{name}@{layer}" for layer in range(layers[parent] + 1, layers[name])), name]
        for name, parents in upstream.items()
        for parent in parents
    ]


def ordered(upstream: Mapping[str, Sequence[str]], layers: Mapping[str, int]) -> list[list[str]]:
    """Order the nodes and points of each layer by the barycentre heuristic (Sugiyama, Tagawa and Toda 1981)."""
    rows: list[list[str]] = [[] for _ in range(max(layers.values(), default=0) + 1)]
    for name in upstream:
        rows[layers[name]].append(name)
    neighbours: dict[str, list[str]] = {}
    for path in _paths(upstream, layers):
        for step, point in enumerate(path[1:-1], start=layers[path[0]] + 1):
            rows[step].append(point)
        for first, second in pairwise(path):
            neighbours.setdefault(first, []).append(second)
            neighbours.setdefault(second, []).append(first)
    for sweep in range(SWEEPS):
        downward = sweep % 2 == 0
        pairs = list(pairwise(rows)) if downward else list(zip(rows[1:], rows, strict=False))[::-1]
        for fixed, free in pairs:
            rank = {name: (position + 0.5) / len(fixed) for position, name in enumerate(fixed)}
            own = {name: (position + 0.5) / len(free) for position, name in enumerate(free)}
            centre = {}
            for name in free:
                known = [rank[other] for other in neighbours.get(name, []) if other in rank]
                centre[name] = sum(known) / len(known) if known else own[name]
            free.sort(key=centre.__getitem__)
    return rows


def placed(
    rows: Sequence[Sequence[str]], upstream: Mapping[str, Sequence[str]], layers: Mapping[str, int]
) -> tuple[dict[str, Place], float]:
    """Place everything, each layer in the middle, and return the width of the picture too."""
    sizes = [[BOX if name in upstream else LANE for name in row] for row in rows]
    widths = [sum(size) + GAP * (len(size) - 1) for size in sizes]
    places = {}
    for layer, (row, size) in enumerate(zip(rows, sizes, strict=True)):
        left = (max(widths) - widths[layer]) / 2
        for name, wide in zip(row, size, strict=True):
            places[name] = Place(left + wide / 2, layer)
            left += wide + GAP
    return places, max(widths)


def _arrow(path: Sequence[str], places: Mapping[str, Place]) -> Markup:
    points = [places[name] for name in path]
    y = points[0].layer * (HEIGHT + DROP) + HEIGHT
    line = f"M{points[0].x:g},{y:g}"
    for before, after in pairwise(points):
        y = before.layer * (HEIGHT + DROP) + HEIGHT
        line += f"C{before.x:g},{y + DROP / 2:g} {after.x:g},{y + DROP / 2:g} {after.x:g},{y + DROP:g}"
        if after is not points[-1]:
            line += f"v{HEIGHT}"
    tip = f"M{points[-1].x - 3.5:g},{y + DROP - 6:g}l3.5,6l3.5,-6"
    return Markup('<path class="arrow" d="{}{}"/>').format(line, tip)


def _box(node: Node, place: Place) -> Markup:
    left, top = place.x - BOX / 2, place.layer * (HEIGHT + DROP)
    time = f" · {duration(node.seconds)}" if node.seconds is not None else ""
    size = min(11.5, (BOX - 8) / LETTER / max(len(node.name), 1))
    return Markup(
        '<g class="node {}"><rect x="{:g}" y="{:g}" width="{}" height="{}" rx="4"/>'
        '<text x="{:g}" y="{:g}" class="name" font-size="{:.3g}">{}</text>'
        '<text x="{:g}" y="{:g}" class="state">{} {}{}</text></g>'
    ).format(
        node.state, left, top, BOX, HEIGHT,
        place.x, top + 16, size, node.name,
        place.x, top + 30, SIGNS[node.state], WORDS[node.state], time,
    )  # fmt: skip
