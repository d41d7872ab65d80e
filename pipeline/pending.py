"""Which spans are still to be run, by what is in the folder and what ML Metadata says. Imports no TensorFlow."""

from pathlib import Path

from components.publisher import store
from components.publisher.signature import read_keys
from components.span_example_gen import spans
from pipeline import record
from pipeline.config import Config


def whole_spans(config: Config) -> list[str]:
    """The spans whose window is there as a whole, oldest first. Raises SpanNotFound if there is no span at all."""
    present = spans.available(Path(config.data.spans))
    return [span for span in present if set(spans.window(span, config.data.window)) <= set(present)]


def pending_spans(config: Config) -> list[str]:
    """The whole spans that no run has decided on yet, oldest first, from that of the model in production on.

    Raises:
        SpanNotFound: there is no span at all.
        CorruptModel, SignatureInvalid, VersionNotFound, BadConfig: it cannot be said what is in production.
    """
    return _undecided(config)[1]


def superseded_spans(config: Config) -> list[str]:
    """Those before it: they arrived, or were forgotten with ML Metadata's file, when a newer month had been learned.

    To run one would put an older model into production: nobody asks for that by waiting. Raises as `pending_spans`.
    """
    return _undecided(config)[0]


def _undecided(config: Config) -> tuple[list[str], list[str]]:
    """The whole spans that no run has decided on, before that of the model in production, and from it on."""
    done = record.processed_spans(_database(config), config.publish.model)
    production = store.production(config.serving_folder, read_keys(config.publish.public_key))
    newest_learned = production.manifest.get("span", "") if production else ""
    undecided = [span for span in whole_spans(config) if span not in done]
    return [span for span in undecided if span < newest_learned], [span for span in undecided if span >= newest_learned]


def waiting_spans(config: Config) -> list[str]:
    """Spans that cannot be run because a month before them is missing: not those that only ever open a window."""
    present, whole = spans.available(Path(config.data.spans)), whole_spans(config)
    return [span for span in present if span not in whole and (not whole or span > whole[0])]


def attempts(config: Config, span: str) -> int:
    """How often a run has read the span since its files, or another month's of its window, last changed."""
    files = spans.files(Path(config.data.spans), spans.window(span, config.data.window))
    # The time of a file's last change of status: unlike that of its content, no copy can set it back.
    changed = max(path.stat().st_ctime for paths in files.values() for path in paths)
    return record.attempts(_database(config), span, changed)


def _database(config: Config) -> Path:
    return Path(config.run.root).absolute() / "metadata.db"
