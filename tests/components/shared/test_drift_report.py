import json

import pytest
from pydantic import ValidationError

from components.shared import drift_report
from components.shared.drift_report import Check, Reference, Report, conclude

REFERENCE = Reference(model="parcels", version=3, span="2013-05", window=["2013-03", "2013-04", "2013-05"], rows=70_000)


def check(kind="data", feature="price", verdict="stable", **facts) -> Check:
    reason = "" if verdict == "stable" else f"{kind} {feature} moved"
    return Check(kind=kind, feature=feature, measure="m", value=0.5, limit=0.1, verdict=verdict, reason=reason, **facts)


def concluded(*checks, reference=REFERENCE, retrain_on=("concept",), block_push=()) -> Report:
    return conclude(
        span="2013-06",
        rows=100,
        reference=reference,
        checks=checks,
        retrain_on=list(retrain_on),
        block_push=list(block_push),
    )


DRIFTED = check(verdict="drifted")
DECAYED = check("concept", "", "decayed")


def test_the_gravest_check_is_the_verdict_and_the_first_reason():
    assert concluded(check()).verdict == "stable"
    assert concluded(check(), DRIFTED).verdict == "drifted"
    found = concluded(DRIFTED, check(), DECAYED)
    assert found.verdict == "decayed"
    assert found.reasons == ["concept  moved", "data price moved"]


def test_without_production_there_is_no_reference_yet_and_a_model_is_wanted():
    found = concluded(reference=None)
    assert (found.verdict, found.retrain, found.checks) == ("no_reference", True, [])
    assert found.reasons == ["no reference yet: nothing is in production"]


def test_a_model_is_wanted_when_a_named_kind_fires_or_always():
    assert not concluded(check("concept", "")).retrain
    assert not concluded(DRIFTED).retrain
    assert concluded(DECAYED).retrain
    assert concluded(DRIFTED, retrain_on=["data"]).retrain
    assert concluded(check(), retrain_on=["always"]).retrain
    assert not concluded(DRIFTED, DECAYED, retrain_on=[]).retrain


def test_a_push_is_blocked_by_kind_or_by_feature():
    skew = check("skew", "price", "drifted")
    assert concluded(skew, block_push=["data", "skew:weight"]).blocked == []
    assert concluded(skew, block_push=["skew"]).blocked == ["skew price moved"]
    assert concluded(skew, block_push=["skew:price", "skew"]).blocked == ["skew price moved"]
    assert concluded(check("skew"), block_push=["skew"]).blocked == []


def test_what_is_written_is_read_again(tmp_path):
    found = concluded(DRIFTED, check("label", "", interval=(0.1, 0.2), reference=0.3))
    (tmp_path / drift_report.FILE).write_text(found.model_dump_json())
    assert drift_report.read(str(tmp_path)) == found
    assert json.loads(found.model_dump_json())["checks"][1]["interval"] == [0.1, 0.2]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_has_no_word_for_is_refused(value):
    with pytest.raises(ValidationError, match="finite number"):
        Check(kind="data", feature="price", measure="m", value=value, limit=1, verdict="stable")


def test_the_json_schema_says_what_the_fields_mean():
    schema = Report.model_json_schema()
    for name in ("kind", "feature", "measure", "value", "reference", "interval", "limit", "reason"):
        assert schema["$defs"]["Check"]["properties"][name]["description"]
    assert schema["properties"]["retrain"]["description"] == "whether the policy wants a new model"
