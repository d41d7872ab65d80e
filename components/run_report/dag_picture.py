"""Draw the DAG of a run: layers from top to bottom, few arrows, every state by colour, sign and word. Deterministic."""

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise

from markupsafe import Markup

from components.run_report.facts import Node
from components.run_report.templating import duration

STATES = {  # of a node: the kind of its badge, the word, the sign
    "done": ("good", "done", "✓"),
    "cached": ("quiet", "cached", "↺"),
    "failed": ("bad", "failed", "✕"),
    "refused": ("bad", "refused", "✕"),
    "not_tried": ("quiet", "not tried", "\N{EN DASH}"),
    "skipped": ("quiet", "skipped", "»"),
    "not_run": ("quiet", "not run", "\N{EN DASH}"),
}
BOX, HEIGHT = 116, 38  # of a node
GAP, DROP = 5, 26  # between boxes of a layer, and between layers
LETTER = 0.7  # of the font size: the mean of a bold name in the widest common font, DejaVu Sans
LANE = 8  # of an arrow that passes a layer
SWEEPS = 8  # of the barycentre heuristic; it settles in fewer

Upstream = Mapping[str, Sequence[str]]  # of each node, the nodes that it waits for
Places = Mapping[str, tuple[float, int]]  # of each node, and point of a long arrow: its middle, and its layer


def svg(nodes: Sequence[Node]) -> Markup:
    """Draw the DAG as SVG, which a screen reader reads as the states in words.

    Args:
        nodes: of the DAG; an upstream node that is not among them is left out.
    """
    known = {node.name for node in nodes}
    edges = reduced({node.name: [name for name in node.upstream if name in known] for node in nodes})
    places, width = placed(edges)
    height = max((layer for _, layer in places.values()), default=0) * (HEIGHT + DROP) + HEIGHT
    words = ", ".join(f"{node.name} {STATES[node.state][1]}" for node in nodes)
    parts = [_arrow([places[name] for name in path]) for path in _paths(edges)] + [
        _box(node, *places[node.name]) for node in nodes
    ]
    return Markup(
        '<svg class="dag" role="img" aria-label="The nodes of the pipeline: {}." viewBox="-1 -1 {:g} {:g}" '
        'style="max-width: {:g}px">{}</svg>'
    ).format(words, width + 2, height + 2, width * 1.15, Markup("").join(parts))


def reduced(upstream: Upstream) -> dict[str, list[str]]:
    """Return the transitive reduction: without the arrows that a longer way implies. Raises graphlib.CycleError."""
    above: dict[str, set[str]] = {}
    for name in TopologicalSorter(upstream).static_order():
        above[name] = set(upstream[name]).union(*(above[parent] for parent in upstream[name]))
    return {
        name: [each for each in dict.fromkeys(parents) if not any(each in above[other] for other in parents)]
        for name, parents in upstream.items()
    }


def layered(upstream: Upstream) -> dict[str, int]:
    """Return the layer of each node: the length of the longest way to it."""
    found: dict[str, int] = {}
    for name in TopologicalSorter(upstream).static_order():
        found[name] = max((found[parent] + 1 for parent in upstream[name]), default=0)
    return found


def _paths(upstream: Upstream) -> list[list[str]]:
    """List each arrow from parent to child, with a point in each layer that it passes."""
    layers = layered(upstream)
    return [
        [parent, *(f"{parent}>{name}@{layer}" for layer in range(layers[parent] + 1, layers[name])), name]
        for name, parents in upstream.items()
        for parent in parents
    ]


def ordered(upstream: Upstream) -> list[list[str]]:
    """Order the nodes and points of each layer by the barycentre heuristic (Sugiyama, Tagawa and Toda 1981)."""
    layers = layered(upstream)
    rows: list[list[str]] = [[] for _ in range(max(layers.values(), default=0) + 1)]
    for name in upstream:
        rows[layers[name]].append(name)
    neighbours: dict[str, list[str]] = {}
    for path in _paths(upstream):
        for step, point in enumerate(path[1:-1], start=layers[path[0]] + 1):
            rows[step].append(point)
        for first, second in pairwise(path):
            neighbours.setdefault(first, []).append(second)
            neighbours.setdefault(second, []).append(first)
    downward = list(pairwise(rows))
    upward = [(below, above) for above, below in downward[::-1]]
    for fixed, free in (downward + upward) * (SWEEPS // 2):
        rank, centre = _spread(fixed), _spread(free)
        for name in free:
            known = [rank[other] for other in neighbours.get(name, []) if other in rank]
            if known:
                centre[name] = sum(known) / len(known)
        free.sort(key=centre.__getitem__)
    return rows


def _spread(row: Sequence[str]) -> dict[str, float]:
    """Spread what stands in a layer evenly over 0 to 1."""
    return {name: (position + 0.5) / len(row) for position, name in enumerate(row)}


def placed(upstream: Upstream) -> tuple[Places, float]:
    """Place everything, each layer in the middle, and return the width of the picture too."""
    rows = ordered(upstream)
    sizes = [[BOX if name in upstream else LANE for name in row] for row in rows]
    widths = [sum(size) + GAP * (len(size) - 1) for size in sizes]
    places: dict[str, tuple[float, int]] = {}
    for layer, (row, size) in enumerate(zip(rows, sizes, strict=True)):
        left = (max(widths) - widths[layer]) / 2
        for name, wide in zip(row, size, strict=True):
            places[name] = left + wide / 2, layer
            left += wide + GAP
    return places, max(widths)


def _arrow(points: Sequence[tuple[float, int]]) -> Markup:
    line = ""
    for (before, layer), (after, _) in pairwise(points):
        y = layer * (HEIGHT + DROP) + HEIGHT
        line += f"v{HEIGHT}" if line else f"M{before:g},{y:g}"
        line += f"C{before:g},{y + DROP / 2:g} {after:g},{y + DROP / 2:g} {after:g},{y + DROP:g}"
    tip = f"M{after - 3.5:g},{y + DROP - 6:g}l3.5,6l3.5,-6"
    return Markup('<path class="arrow" d="{}{}"/>').format(line, tip)


def _box(node: Node, middle: float, layer: int) -> Markup:
    left, top = middle - BOX / 2, layer * (HEIGHT + DROP)
    _, word, sign = STATES[node.state]
    time = f" · {duration(node.seconds)}" if node.seconds is not None else ""
    size = min(11.5, (BOX - 8) / LETTER / max(len(node.name), 1))
    return Markup(
        '<g class="node {}"><rect x="{:g}" y="{:g}" width="{}" height="{}" rx="4"/>'
        '<text x="{:g}" y="{:g}" class="name" font-size="{:.3g}">{}</text>'
        '<text x="{:g}" y="{:g}" class="state">{} {}{}</text></g>'
    ).format(
        node.state, left, top, BOX, HEIGHT,
        middle, top + 16, size, node.name,
        middle, top + 30, sign, word, time,
    )  # fmt: skip
