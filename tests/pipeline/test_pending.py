from pathlib import Path

import pytest

from components.errors import SignatureInvalid
from components.publisher import store
from pipeline import config, pending
from pipeline.keys import PRIVATE, PUBLIC
from tests.components.publisher.keys import make_keys


@pytest.fixture
def settings(few_spans, tmp_path):
    return config.load(overrides=[f"data.spans={few_spans}", f"run.root={tmp_path / 'runs'}"])


def publish(settings, span: str, tmp_path: Path) -> None:
    model = tmp_path / f"model-{span}"
    model.mkdir()
    (model / "saved_model.pb").write_text(span)
    store.publish(settings.serving_folder, model, {}, {"span": span}, keep=5)


def test_without_a_model_every_month_with_its_window_is_due(settings):
    assert pending.pending_spans(settings) == ["2013-03", "2013-04"]


def test_a_month_before_the_model_in_production_is_not_due_even_if_nothing_is_known_of_its_run(settings, tmp_path):
    publish(settings, "2013-03", tmp_path)
    assert pending.pending_spans(settings) == ["2013-03", "2013-04"], "the run may have been killed behind its push"
    publish(settings, "2013-04", tmp_path)
    assert pending.pending_spans(settings) == ["2013-04"]


def test_a_manifest_that_nobody_signed_cannot_end_the_schedule(few_spans, tmp_path):
    """By a month that is always newer than those that arrive."""
    make_keys(tmp_path)
    keys = [f"publish.public_key={tmp_path / PUBLIC}", f"publish.signing_key={tmp_path / PRIVATE}"]
    settings = config.load(overrides=[f"data.spans={few_spans}", f"run.root={tmp_path / 'runs'}", *keys])
    publish(settings, "9999-12", tmp_path)
    with pytest.raises(SignatureInvalid, match=r"1/manifest\.json is not signed"):
        pending.pending_spans(settings)


def test_a_month_that_arrives_when_a_newer_one_was_learned_is_named_and_not_run(settings, tmp_path):
    publish(settings, "2013-03", tmp_path)
    assert pending.superseded_spans(settings) == []
    publish(settings, "2013-04", tmp_path)
    assert (pending.superseded_spans(settings), pending.pending_spans(settings)) == (["2013-03"], ["2013-04"])


def test_an_empty_file_of_metadata_is_none(settings):
    database = Path(settings.run.root) / "metadata.db"
    database.parent.mkdir()
    database.touch()
    assert pending.pending_spans(settings) == ["2013-03", "2013-04"]
