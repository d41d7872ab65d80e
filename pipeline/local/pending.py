"""Find which spans are due, from the files that are there and ML Metadata. Imports no TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.model_store import store
from components.model_store.signature import read_keys
from components.shared import spans
from components.shared.commands import module
from components.shared.units import Unit
from components.span_example_gen import content, whole
from pipeline.config import Config
from pipeline.local import record


@dataclass(frozen=True)
class Due:
    """What to do about the spans that are there, each list oldest first.

    Attributes:
        pending: spans to run, from the one of the model in production on: no run has decided on the files that are now there.
        superseded: spans before that one. Running one would put an older model into production, so a person has to ask for it.
        changed: spans whose files changed since they were learned, or came after the window around them was, each with the
            newest span whose window has it: one run of that, pending or superseded, learns the change.
        waiting: spans that cannot be run because too many before them are missing; not those that only ever open a window.
        incomplete: spans that are not whole yet, see `whole.found`.
    """

    pending: list[str]
    superseded: list[str]
    changed: dict[str, str]
    waiting: list[str]
    incomplete: list[str]

    def changed_in(self, span: str) -> list[str]:
        """List the changed spans that a run of this one learns."""
        return [changed for changed, newest in self.changed.items() if newest == span]

    def told(self, config: Config) -> str:
        """Say what the spans that are run do not show."""
        said, unit = [], config.data.unit
        added = "was added or " if config.data.max_gaps else ""
        for span in sorted(set(self.changed.values())):
            changed = f"{', '.join(self.changed_in(span))} {added}changed since it was learned"
            if span in self.pending:
                said.append(f"{changed}, so {span} is due.")
            else:
                said.append(
                    f"{changed}. Newer {unit}s were learned meanwhile: nothing is run, unless by "
                    f"{module('pipeline.local_runner', config.named, f'--span {span}')}."
                )
        for span in self.incomplete:
            said.append(f"{span} is not whole yet. {whole.expected(unit, config.data.complete_after_days)}")
        return " ".join(said)


def whole_spans(config: Config) -> list[str]:
    """List the whole spans, with or without those before them. Raises SpanNotFound if there is no span at all."""
    folder, unit = Path(config.data.spans), config.data.unit
    return whole.found(spans.listing(folder, unit), whole.marked(folder), unit, config.data.complete_after_days)


def runnable(config: Config) -> list[str]:
    """List the whole spans whose window is there, oldest first. Raises SpanNotFound if there is no span at all."""
    data = config.data
    numbers = {data.unit.number(span): span for span in whole_spans(config)}

    def has_window(newest: int) -> bool:
        return sum(number in numbers for number in range(newest - data.window + 1, newest + 1)) >= data.window - data.max_gaps

    return [span for number, span in numbers.items() if has_window(number)]


def due(config: Config) -> Due:
    """Find what to run, and what not and why.

    Raises:
        SpanNotFound: there is no span at all.
        CorruptModel, SignatureInvalid, VersionNotFound, BadConfig: what is in production cannot be read.
    """
    data = config.data
    begun = {span: paths for span, paths in spans.listing(Path(data.spans), data.unit).items() if paths}
    complete, can_run = whole_spans(config), runnable(config)
    learned = record.decided(config.root / "metadata.db", config.problem.model)
    known = set().union(*learned.values())
    present = {span: paths for span, paths in begun.items() if known and min(known) <= span <= max(known)}
    changed = changes(data.unit, data.window, can_run, learned, content.remembered(present, config.root / "content.json"))
    production = store.production(config.serving_folder, read_keys(config.publish.public_key))
    newest_learned = production.manifest.span if production else ""
    undecided = [span for span in can_run if span not in learned or span in changed.values()]
    return Due(
        pending=[span for span in undecided if span >= newest_learned],
        superseded=[span for span in undecided if span < newest_learned],
        changed=changed,
        waiting=sorted({span for span in complete if span > can_run[0]} - {*can_run}) if can_run else complete,
        incomplete=sorted(begun.keys() - complete),
    )


def changes(
    unit: Unit, size: int, can_run: list[str], learned: Mapping[str, Mapping[str, str]], now: Mapping[str, str]
) -> dict[str, str]:
    """Find spans whose files differ from those that a run last decided on, each with the newest one whose window has it.

    Args:
        unit, size: of a window.
        can_run: spans, oldest first.
        learned: span -> span of its window -> the `content.totals` of its files then. One that a window lacks was absent.
        now: span -> the totals of its files now.
    """
    found = {}
    numbers = {unit.number(span): span for span in can_run}
    for span, total in now.items():
        first = unit.number(span)
        holders = [numbers[number] for number in range(first, first + size) if number in numbers]
        seen = [window.get(span) for holder in holders if (window := learned.get(holder)) and min(window) <= span]
        if seen and seen[-1] != total:
            found[span] = holders[-1]
    return found


def attempts(config: Config, span: str) -> int:
    """Count the runs that have read the span since the files of its window last changed."""
    data = config.data
    present = spans.listing(Path(data.spans), data.unit)
    window = [each for each in data.unit.window(span, data.window) if each in present]
    # The folder too, which changes when a file is removed. By ctime, which no copy can set back.
    places = [path for each in window for path in (Path(data.spans) / each, *present[each])]
    return record.attempts(config.root / "metadata.db", span, max(path.lstat().st_ctime for path in places))
