"""What the page says of the gates is what they held."""

import pytest

from components.run_report import gates
from pipeline import config, dag
from tests.components.run_report import parts, samples


@pytest.mark.parametrize(("held_out", "days", "needed", "holds"), [(5, 5, 5, True), (5, 4, 5, False), (10, 7, 7, True)])
def test_days_to_evaluate_are_held_against_what_the_gate_holds_them_against(parcels, held_out, days, needed, holds):
    loaded = config.load(overrides=["gate.min_eval_days=7", f"data.eval_days={held_out}"], problem=parcels)
    [checks] = [node for node in dag.create_pipeline(loaded, "2024-04").components if node.id == "DataChecks"]
    facts = samples.published()
    settings = {"gate": loaded.gate.model_dump(), "data": loaded.data.model_dump()}
    data = parts.data().model_copy(update={"days": {"train": 80, "eval": days}})
    [gate] = [
        each for each in gates.gates(facts.model_copy(update={"data": data, "configuration": settings})) if each.id == "data"
    ]
    [limit] = [limit for limit in gate.limits if limit.name == "days to evaluate"]
    assert checks.exec_properties["min_eval_days"] == limit.at_least == needed
    assert limit.holds is holds
