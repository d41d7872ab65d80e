"""Find which spans are due, from the files that are there and ML Metadata. Imports no TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.model_store import store
from components.model_store.signature import read_keys
from components.shared import spans
from components.span_example_gen import content, whole
from pipeline.config import Config
from pipeline.local import record


@dataclass(frozen=True)
class Due:
    """What to do about the spans that are there, each list oldest first.

    Attributes:
        pending: spans to run, from the one of the model in production on: no run has decided on the files that are now there.
        superseded: spans before that one. Running one would put an older model into production, so a person has to ask for it.
        changed: months whose files changed since they were learned, each with the newest span whose window has it: one run
            of that span, pending or superseded, learns the change.
        waiting: spans that cannot be run because a month before them is missing; not those that only ever open a window.
        incomplete: spans that are not whole yet, see `whole.months`.
    """

    pending: list[str]
    superseded: list[str]
    changed: dict[str, str]
    waiting: list[str]
    incomplete: list[str]

    def changed_in(self, span: str) -> list[str]:
        """List the changed months that a run of this span learns."""
        return [month for month, newest in self.changed.items() if newest == span]

    def told(self, config: Config) -> str:
        """Say what the spans that are run do not show."""
        said = []
        for span in sorted(set(self.changed.values())):
            months = ", ".join(self.changed_in(span))
            if span in self.pending:
                said.append(f"{months} changed since it was learned, so {span} is due.")
            else:
                said.append(
                    f"{months} changed since it was learned. Newer months were learned meanwhile: nothing is run, unless by "
                    f"python -m pipeline.local_runner --span {span}."
                )
        for span in self.incomplete:
            said.append(f"{span} is not whole yet. {whole.expected(config.data.complete_after_days)}")
        return " ".join(said)


def whole_months(config: Config) -> list[str]:
    """List the whole months, with or without those before them. Raises SpanNotFound if there is no span at all."""
    folder = Path(config.data.spans)
    return whole.months(spans.listing(folder), whole.marked(folder), config.data.complete_after_days)


def whole_spans(config: Config) -> list[str]:
    """List the whole months whose window is there, oldest first. Raises SpanNotFound if there is no span at all."""
    found = whole_months(config)
    return [span for span in found if set(spans.window(span, config.data.window)) <= set(found)]


def due(config: Config) -> Due:
    """Find what to run, and what not and why.

    Raises:
        SpanNotFound: there is no span at all.
        CorruptModel, SignatureInvalid, VersionNotFound, BadConfig: what is in production cannot be read.
    """
    begun = {span: paths for span, paths in spans.listing(Path(config.data.spans)).items() if paths}
    complete, runnable = whole_months(config), whole_spans(config)
    learned = record.decided(config.root / "metadata.db", config.problem.model)
    known = set().union(*learned.values())
    present = {month: paths for month, paths in begun.items() if month in known}
    changed = changes(runnable, config.data.window, learned, content.remembered(present, config.root / "content.json"))
    production = store.production(config.serving_folder, read_keys(config.publish.public_key))
    newest_learned = production.manifest.span if production else ""
    undecided = [span for span in runnable if span not in learned or span in changed.values()]
    return Due(
        pending=[span for span in undecided if span >= newest_learned],
        superseded=[span for span in undecided if span < newest_learned],
        changed=changed,
        waiting=sorted({span for span in complete if span > runnable[0]} - {*runnable}) if runnable else complete,
        incomplete=sorted(begun.keys() - complete),
    )


def changes(runnable: list[str], size: int, learned: Mapping[str, Mapping[str, str]], now: Mapping[str, str]) -> dict[str, str]:
    """Find months whose files differ from those that a run last decided on, each with the newest span whose window has it.

    Args:
        runnable: spans, oldest first.
        size: months of a window.
        learned: span -> month of its window -> the `content.totals` of its files then.
        now: month -> the totals of its files now.
    """
    found = {}
    for month, total in now.items():
        holders = [span for span in runnable if month in spans.window(span, size)]
        seen = [learned[span][month] for span in holders if month in learned.get(span, {})]
        if seen and seen[-1] != total:
            found[month] = holders[-1]
    return found


def attempts(config: Config, span: str) -> int:
    """Count the runs that have read the span since the files of its window last changed."""
    present = spans.listing(Path(config.data.spans))
    window = spans.window(span, config.data.window)
    # The folder too, which changes when a file is removed. By ctime, which no copy can set back.
    places = [path for month in window for path in (Path(config.data.spans) / month, *present[month])]
    return record.attempts(config.root / "metadata.db", span, max(path.lstat().st_ctime for path in places))
