import datetime
import shutil
import time
from pathlib import Path

import pytest

from components.model_store import store
from components.model_store.manifest import Facts
from components.shared.errors import SignatureInvalid
from components.shared.units import Unit
from components.span_example_gen import content, whole
from pipeline import config
from pipeline.keys import PRIVATE, PUBLIC
from pipeline.local import pending
from tests.components.model_store.keys import make_keys


@pytest.fixture
def settings(parcels, tmp_path):
    return config.load(overrides=[f"run.root={tmp_path / 'runs'}"], problem=parcels)


def publish(settings, span: str, tmp_path: Path) -> None:
    model = tmp_path / f"model-{span}"
    model.mkdir()
    (model / "saved_model.pb").write_text(span)
    store.publish(settings.serving_folder, model, {}, Facts(span=span), keep=5)


def test_without_a_model_every_month_with_its_window_is_due(settings):
    assert pending.due(settings).pending == ["2024-02", "2024-03"]


def test_a_month_before_the_model_in_production_is_not_due_even_if_nothing_is_known_of_its_run(settings, tmp_path):
    publish(settings, "2024-02", tmp_path)
    assert pending.due(settings).pending == ["2024-02", "2024-03"], "the run may have been killed after its push"
    publish(settings, "2024-03", tmp_path)
    assert pending.due(settings).pending == ["2024-03"]


def test_a_manifest_that_nobody_signed_cannot_end_the_schedule(parcels, tmp_path):
    """By a month that is always newer than those that arrive."""
    make_keys(tmp_path)
    keys = [f"publish.public_key={tmp_path / PUBLIC}", f"publish.signing_key={tmp_path / PRIVATE}"]
    settings = config.load(overrides=[f"run.root={tmp_path / 'runs'}", *keys], problem=parcels)
    publish(settings, "9999-12", tmp_path)
    with pytest.raises(SignatureInvalid, match=r"1/manifest\.json is not signed"):
        pending.due(settings)


def test_a_month_that_arrives_when_a_newer_one_was_learned_is_named_and_not_run(settings, tmp_path):
    publish(settings, "2024-02", tmp_path)
    assert pending.due(settings).superseded == []
    publish(settings, "2024-03", tmp_path)
    found = pending.due(settings)
    assert (found.superseded, found.pending, found.told(settings)) == (["2024-02"], ["2024-03"], "")


def test_an_empty_file_of_metadata_is_none(settings):
    database = Path(settings.run.root) / "metadata.db"
    database.parent.mkdir()
    database.touch()
    assert pending.due(settings).pending == ["2024-02", "2024-03"]


MONTHS = [f"2024-{month:02}" for month in range(1, 7)]  # six, and windows of three: 2024-03 to 2024-06 can be run


def of(month: str) -> list[str]:
    return MONTHS[: MONTHS.index(month) + 1][-3:]


@pytest.mark.parametrize(
    ("learned", "changed", "expected"),
    [
        ([], [], {}),
        (MONTHS[2:], [], {}),
        (MONTHS[2:], ["2024-06"], {"2024-06": "2024-06"}),
        (MONTHS[2:], ["2024-04"], {"2024-04": "2024-06"}),
        (MONTHS[2:], ["2024-02", "2024-05"], {"2024-02": "2024-04", "2024-05": "2024-06"}),
        (MONTHS[2:4], ["2024-04"], {"2024-04": "2024-06"}),
        (MONTHS[2:5], ["2024-06"], {}),
    ],
    ids=["nothing learned", "nothing changed", "the newest", "an older one", "two", "due anyway", "never learned"],
)
def test_a_changed_month_is_learned_by_the_newest_window_that_has_it(learned, changed, expected):
    before = {span: dict.fromkeys(of(span), "old") for span in learned}
    now = dict.fromkeys(MONTHS, "old") | dict.fromkeys(changed, "new")
    assert pending.changes(Unit.MONTH, 3, MONTHS[2:], before, now) == expected


def test_what_was_learned_again_is_not_due_again_and_what_was_not_recorded_never():
    now = dict.fromkeys(MONTHS, "old") | {"2024-04": "new"}
    before = {span: dict.fromkeys(of(span), "old") for span in MONTHS[2:5]}
    assert pending.changes(Unit.MONTH, 3, MONTHS[2:], before | {"2024-06": now}, now) == {}
    assert pending.changes(Unit.MONTH, 3, MONTHS[2:], {span: {} for span in MONTHS[2:]}, now) == {}


def add(spans: Path, months: list[str], name: str = "rows.csv") -> None:
    for month in months:
        (spans / month).mkdir(parents=True, exist_ok=True)
        (spans / month / name).write_text(month)


def of_spans(problem: Path, spans: Path, folder: Path, window: int) -> config.Config:
    """The problem's settings with other spans, and a root in the folder."""
    overrides = [f"data.spans={spans}", f"data.window={window}", f"run.root={folder / 'runs'}"]
    return config.load(overrides=overrides, problem=problem)


@pytest.fixture
def learned(parcels, tmp_path, monkeypatch):
    """Settings, and a function that has the store say what was decided on what is in the files now."""
    folder = tmp_path / "spans"
    add(folder, MONTHS)
    settings = of_spans(parcels, folder, tmp_path, 3)
    decided: dict[str, dict[str, str]] = {}
    monkeypatch.setattr(pending.record, "decided", lambda *_: decided)

    def decide(*months: str) -> None:
        decided.update({month: content.totals(content.read(folder, of(month))) for month in months})

    return settings, decide


def test_with_a_stand_in_for_the_store_a_month_that_changes_is_due_until_it_was_learned(learned, tmp_path):
    settings, decide = learned
    decide(*MONTHS[2:])
    publish(settings, "2024-06", tmp_path)
    assert pending.due(settings) == pending.Due([], [], {}, [], [])
    add(tmp_path / "spans", ["2024-05"], "more.csv")
    found = pending.due(settings)
    assert (found.pending, found.superseded, found.changed) == (["2024-06"], [], {"2024-05": "2024-06"})
    assert found.told(settings) == "2024-05 changed since it was learned, so 2024-06 is due."
    decide("2024-06")
    assert pending.due(settings).pending == []


def test_with_a_stand_in_for_the_store_a_month_that_no_newest_window_has_is_told_and_not_run(learned, tmp_path):
    settings, decide = learned
    decide(*MONTHS[2:])
    publish(settings, "2024-06", tmp_path)
    add(tmp_path / "spans", ["2024-02"], "more.csv")
    found = pending.due(settings)
    assert (found.pending, found.superseded, found.changed) == ([], ["2024-04"], {"2024-02": "2024-04"})
    command = f"python -m pipeline.local_runner --problem {settings.problem.folder} --span 2024-04"
    assert f"nothing is run, unless by {command}." in found.told(settings)


def test_a_month_that_is_coming_in_is_not_due_until_it_is_whole(parcels, tmp_path):
    day = whole.now()
    this, last = f"{day:%Y-%m}", f"{day.replace(day=1) - datetime.timedelta(days=1):%Y-%m}"
    settings = of_spans(parcels, tmp_path, tmp_path, 1)
    add(tmp_path, [last, this], "01.csv")
    found = pending.due(settings)
    assert (found.pending, found.incomplete) == ([last], [this])
    assert found.told(settings).startswith(f"{this} is not whole yet. Expected a file of a later month, _SUCCESS in")
    (tmp_path / this / "_SUCCESS").touch()
    assert pending.due(settings).pending == [last, this]


DAYS = [f"2024-03-{day:02}" for day in (7, 8, 9, 11, 12)]  # the shop was closed on the 10th


@pytest.fixture
def by_day(parcels, tmp_path):
    """Settings of windows of three days, of which one may be absent."""
    add(tmp_path / "spans", DAYS)
    overrides = ["data.unit=day", "data.window=3", "data.max_gaps=1", "data.eval_days=1"]
    overrides += [f"data.spans={tmp_path / 'spans'}", f"run.root={tmp_path / 'runs'}"]
    return config.load(overrides=overrides, problem=parcels)


def test_days_whose_window_lacks_no_more_than_is_allowed_are_due(by_day, tmp_path):
    assert (pending.due(by_day).pending, pending.due(by_day).waiting) == (DAYS[1:], [])
    shutil.rmtree(tmp_path / "spans" / "2024-03-09")
    found = pending.due(by_day)
    assert (found.pending, found.waiting) == (["2024-03-08", "2024-03-12"], ["2024-03-11"])


def test_a_day_that_is_growing_is_named_with_what_it_waits_for(parcels, tmp_path):
    today = whole.now()
    days = Unit.DAY.window(f"{today:%Y-%m-%d}", 3)
    overrides = [
        "data.unit=day",
        "data.window=2",
        "data.eval_days=1",
        f"data.spans={tmp_path}",
        f"run.root={tmp_path / 'runs'}",
    ]
    settings = config.load(overrides=overrides, problem=parcels)
    for name in ("00.csv", "01.csv", "02.csv"):
        add(tmp_path, days, name)
        found = pending.due(settings)
        assert (found.pending, found.incomplete) == (days[1:2], days[2:])
    assert found.told(settings).startswith(f"{days[2]} is not whole yet. Expected a file of a later day, _SUCCESS in the day's")
    (tmp_path / days[2] / "_SUCCESS").touch()
    assert pending.due(settings).pending == days[1:]


def test_with_a_stand_in_for_the_store_a_gap_that_is_filled_is_due_in_the_newest_window_that_has_it(
    by_day, tmp_path, monkeypatch
):
    folder = tmp_path / "spans"
    windows = {day: [each for each in Unit.DAY.window(day, 3) if each in DAYS] for day in DAYS[1:]}
    decided = {day: content.totals(content.read(folder, window)) for day, window in windows.items()}
    monkeypatch.setattr(pending.record, "decided", lambda *_: decided)
    publish(by_day, "2024-03-12", tmp_path)
    assert pending.due(by_day) == pending.Due([], [], {}, [], [])
    add(folder, ["2024-03-10"])
    found = pending.due(by_day)
    assert (found.pending, found.superseded, found.changed) == (["2024-03-12"], ["2024-03-10"], {"2024-03-10": "2024-03-12"})
    assert found.told(by_day) == "2024-03-10 was added or changed since it was learned, so 2024-03-12 is due."
    decided["2024-03-12"] = content.totals(content.read(folder, Unit.DAY.window("2024-03-12", 3)))
    assert pending.due(by_day).pending == []


def test_a_window_that_was_made_larger_changes_nothing_that_was_learned():
    now = dict.fromkeys(MONTHS, "old")
    before = {span: dict.fromkeys(of(span), "old") for span in MONTHS[2:]}
    assert pending.changes(Unit.MONTH, 5, MONTHS[4:], before, now) == {}


def test_a_year_of_hours_takes_no_time():
    hours = Unit.HOUR.window("2024-12-31T23", 8760)
    learned = {hours[-1]: dict.fromkeys(hours[-168:], "old")}
    start = time.monotonic()
    changed = pending.changes(Unit.HOUR, 168, hours, learned, dict.fromkeys(hours, "new"))
    assert list(changed) == hours[-168:]
    assert time.monotonic() - start < 20


def test_an_empty_folder_is_no_month(parcels, tmp_path):
    add(tmp_path, ["2024-01", "2024-03"])
    (tmp_path / "2024-02").mkdir()
    found = pending.due(of_spans(parcels, tmp_path, tmp_path, 2))
    assert (found.pending, found.waiting, found.incomplete) == ([], ["2024-01", "2024-03"], [])


def test_with_a_stand_in_for_the_store_removing_a_file_starts_the_count_of_attempts_anew(parcels, tmp_path, monkeypatch):
    add(tmp_path, ["2024-01"])
    add(tmp_path, ["2024-01"], "notes.txt")
    settings = of_spans(parcels, tmp_path, tmp_path, 1)
    monkeypatch.setattr(pending.record, "attempts", lambda _path, _span, since: since)
    before = pending.attempts(settings, "2024-01")
    time.sleep(0.05)
    (tmp_path / "2024-01" / "notes.txt").unlink()
    assert pending.attempts(settings, "2024-01") > before
