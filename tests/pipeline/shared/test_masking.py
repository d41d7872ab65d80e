"""What people put passwords in is masked, and all else is as it was."""

import json
import logging

import pytest

from pipeline import config
from pipeline.parts.report import report_settings
from pipeline.shared import masking

NOTIFY, OPTIONS = "curl -H 'X-Token: 0123456789'", "['--password=open sesame', '--fast', '--flink_version=1.20']"
MASKED = ["--password=***", "--fast", "--flink_version=***"]


@pytest.fixture
def settings(parcels):
    return config.load(overrides=[f"schedule.notify={NOTIFY}", f"beam.options={OPTIONS}", "train.epochs=5"], problem=parcels)


@pytest.fixture
def log():
    """What is logged, as formatted; the factory of records is put back."""
    made, lines = logging.getLogRecordFactory(), []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(handler.format(record))
    logger = logging.getLogger("a library's")
    logger.setLevel(logging.DEBUG)  # whatever level an earlier test has left at the root
    logger.addHandler(handler)
    yield logger, lines
    logger.removeHandler(handler)
    logging.setLogRecordFactory(made)


def test_only_sensitive_settings_are_masked(settings):
    whole, shown = settings.model_dump(mode="json", by_alias=True), masking.settings(settings)
    assert (shown["schedule"].pop("notify"), shown["beam"].pop("options")) == ("***", MASKED)
    assert (whole["schedule"].pop("notify"), whole["beam"].pop("options")[0]) == (NOTIFY, "--password=open sesame")
    assert shown == whole


def test_what_is_empty_stays_so(parcels):
    shown = masking.settings(config.load(problem=parcels))
    assert (shown["schedule"]["notify"], shown["beam"]["options"]) == ("", [])


def test_the_report_knows_no_password(settings):
    told = report_settings(settings, [], "unknown")
    assert told.configuration == masking.settings(settings)
    assert set(told.overrides) == {
        'schedule.notify="***"',
        'beam.options=["--password=***", "--fast", "--flink_version=***"]',
        "train.epochs=5",
    }


def test_what_is_logged_is_masked(settings, log):
    logger, lines = log
    masking.keep_out_of_logs(settings)
    logger.error("Discarding unparseable args: %s", ["--password=open sesame"])
    logger.error("options %s of version 1.20", {"password": "open sesame"})
    logger.error("%s runs on Flink with --flink_version=1.20", NOTIFY)
    logger.error("%d rows", 7)
    assert lines == [
        "Discarding unparseable args: ['--password=***']",
        "options {'password': '***'} of version 1.20",
        "*** runs on Flink with --flink_version=***",
        "7 rows",
    ]


def test_a_logged_exception_is_masked_with_its_traceback(settings, log):
    logger, lines = log
    masking.keep_out_of_logs(settings)
    try:
        raise RuntimeError("no answer to --password=open sesame")
    except RuntimeError:
        logger.exception("Failed.")
    assert lines[0].endswith("RuntimeError: no answer to --password=***")
    assert lines[0].startswith("Failed.\nTraceback (most recent call last):")


def test_whoever_logs_what_cannot_be_formatted_does_not_fail_for_it(settings, log):
    logger, lines = log
    masking.keep_out_of_logs(settings)
    logger.warning("100 % of", "--password=open sesame")
    assert lines == ["100 % of ('--password=***',)"]


@pytest.mark.parametrize("secret", ["S3cr\\et", 'it\'s "both"', "zürich\t東京"])
def test_what_python_or_json_escapes_is_masked_too(parcels, secret):
    settings = config.load(overrides=["beam.options=" + json.dumps([f"--token={secret}"])], problem=parcels)
    mask = masking.masker(settings)
    for text in (f"--token={secret}", str([f"--token={secret}"]), json.dumps({"options": f"--token={secret}"}), repr(secret)):
        assert secret not in mask(text) and repr(secret)[1:-1] not in mask(text) and "***" in mask(text)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["beam.options=['--password=open sesame', 'x']"], r"beam.options = \*\*\*: 'x' is not understood"),
        (["beam.options=['--region=open sesame']"], r"beam.options = \*\*\*: --region contradicts"),
        (["beam.options=['--password=open sesame']", "beam.project=p"], r"beam: runner local does not read project"),
        (["beam.options='--password=open sesame'"], r"beam.options = \*\*\*: Input should be a valid list"),
    ],
)
def test_an_error_names_the_setting_without_what_it_holds(parcels, overrides, message):
    with pytest.raises(ValueError, match=message) as caught:
        config.load(overrides=overrides, problem=parcels)
    assert "open sesame" not in str(caught.value)
