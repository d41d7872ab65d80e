"""What a person reads: one screen of what was decided, why, and how sure it is."""

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from components.shared.errors import shown
from pipeline.adoption.folder import Adopted
from pipeline.adoption.periods import Periods

MOST = 12  # lines of a list
FURTHER = 2  # columns that the rest of a line without a heading is indented, beyond its beginning
HEADING = re.compile(r"\w+(?: \w+)? {2,}| +")


def lines(adopted: Adopted, loosened: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the screen."""
    yield from _label(adopted)
    yield from _spans(adopted.periods, adopted.date, adopted.why_undated)
    kinds = Counter(each.feature["kind"] for each in adopted.chosen)
    yield f"Features   {len(adopted.chosen)}: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}."
    yield from _list([f"{each.name}: {each.feature['kind']}, {each.why} ({each.sure})" for each in adopted.chosen if each.why])
    if adopted.left_out:
        yield f"Left out   {len(adopted.left_out)}; --keep NAME brings back what is not constant:"
        yield from _list([f"{each.name}: {shown(each.why)} ({each.sure})" for each in adopted.left_out])
    limits = "1 limit is" if len(loosened) == 1 else f"{len(loosened)} limits are"
    yield f"Schema     {limits} looser than the first window asks for{':' if loosened else '.'}"
    yield from _list(loosened)
    train, sizes = adopted.settings.train, adopted.settings.hyperparameters
    units = " + ".join(map(str, sizes["hidden_units"]))
    batches, dropout = train["batch_size"], sizes["dropout"]
    steps = f"{train['epochs']} epochs in batches of {batches}"
    yield f"Training   {steps}, {units} units, dropout {dropout}: chosen by the number of rows."


def wrapped(line: str, width: int) -> str:
    """Break a line between words, and indent what follows as far as what stands after the heading; no word is broken.

    >>> print(wrapped("Left out   2; --keep NAME brings one back: unit, refund", 36))
    Left out   2; --keep NAME brings one
               back: unit, refund
    """
    heading = HEADING.match(line)
    indent = len(heading[0]) + (0 if heading[0].strip() else FURTHER) if heading else FURTHER
    return textwrap.fill(line, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def _label(adopted: Adopted) -> Iterator[str]:
    target, first = adopted.target, adopted.periods.train[0]
    is_ = f" = {adopted.label_is}" if adopted.label_is else ""
    share = (
        f"; in the first window {first.rare / max(first.rows, 1):.1%} are {shown(target.share_of)}" if target.share_of else ""
    )
    yield f"Label      {adopted.label}{is_}: {target.task.name}, {target.values} ({target.sure}){share}."
    if adopted.without_label:
        yield f"           {adopted.without_label:,} rows have no label or no date, and are left out."
    for name, count in adopted.absent.items():
        windows = f"{count} of {len(adopted.periods.windows)} windows"
        yield f"           {shown(name)} is not in the rows to train of {windows}, which gate.may_be_absent allows."
    if adopted.lost_digits:
        yield f"           {adopted.lost_digits}"


def _spans(periods: Periods, date: str, why_undated: str) -> Iterator[str]:
    names, spans = periods.names, f"{periods.window} {'span' if periods.window == 1 else 'spans'}"
    train, evaluation = periods.train[0].rows, periods.evaluation[0].rows
    if date:
        yield f"Spans      {len(names)}, one {periods.unit} of {date} each: {names[0]} to {names[-1]}."
    else:
        yield f"Spans      {len(names)}: {' and '.join(names)}, by chance. The rows have no date: {why_undated}."
    if not date and len(names) > 1:
        yield "           The first run learns one half of the rows, the second all, so that there is a model to compare with."
    if periods.left_out:
        yield f"           Left out, {len(periods.left_out)}: {periods.why_left_out}."
    if date and periods.max_gaps:
        yield f"           {periods.max_gaps} {periods.unit}s of a window may be absent, as in the table."
    yield f"Window     {spans}: in the first, {train:,} rows to train, and {evaluation:,} to evaluate: {periods.evaluated}."
    if not date:
        yield "           How well a model does on later rows is not measured, and no difference is called drift over time."


def _list(items: Sequence[str]) -> Iterator[str]:
    for item in items[:MOST]:
        yield f"             {item}"
    if len(items) > MOST:
        yield f"             and {len(items) - MOST:,} more, in problem.toml"
