"""Runs of many months, as small as the history page needs them."""

import numpy as np

from components.run_report.facts import Ending, Measured, Metric, ModelFacts, Node, RunFacts
from components.shared.drift_report import Check, Reference, conclude

NODES = {
    "SpanExampleGen": 1.8,
    "StatisticsGen": 3.6,
    "DriftMonitor": 2.7,
    "Transform": 20.5,
    "Trainer": 15.6,
    "Evaluator": 14.9,
}
NODES |= {"Canary": 7.5, "MobileExporter": 10.9, "MobileEvaluator": 14.2, "Publisher": 0.1}
FEATURES = ("shop", "country", "weight", "price", "height", "orders", "shop_share", "gift")


def history(months: int, model: str = "parcels", seed: int = 0) -> list[RunFacts]:
    """A run a month from 2024-01 on: mostly published, each fifth one quiet, each seventh one not blessed."""
    random_ = np.random.default_rng(seed)
    runs: list[RunFacts] = []
    version = 0
    for number in range(months):
        outcome: Ending = (
            "published" if not number else "stable" if number % 5 == 4 else "not_blessed" if number % 7 == 6 else "published"
        )
        before, version = version or None, version + (outcome == "published")
        runs.append(a_run(number, outcome=outcome, before=before, version=version, model=model, random_=random_))
    return runs


def a_run(
    number: int = 0,
    *,
    outcome: Ending = "published",
    before: int | None = None,
    version: int | None = 1,
    model: str = "parcels",
    random_: np.random.Generator | None = None,
    **changed,
) -> RunFacts:
    """The run of one month.

    Args:
        number: months after January 2024, and hours after the first run.
        outcome, version, model: as in `RunFacts`.
        before: the version that was in production.
        random_: where its figures come from.
        changed: other fields of `RunFacts`.
    """
    random_ = random_ or np.random.default_rng(number)
    span = f"{2024 + number // 12}-{number % 12 + 1:02}"
    started = f"2026-11-{1 + number // 24:02}T{number % 24:02}:30:00+00:00"
    decided = outcome in ("published", "not_blessed")
    states = {name: "done" if decided or name in list(NODES)[:3] else "skipped" for name in NODES}
    return RunFacts(
        run=started.removesuffix("+00:00") + ".000001",
        model=model,
        span=span,
        started=started,
        seconds=95.0,
        outcome=outcome,
        headline=f"{outcome} for {span}.",
        version=version,
        nodes=[
            Node(
                name=name,
                upstream=[],
                state=states[name],
                seconds=seconds * random_.uniform(0.9, 1.4) if states[name] == "done" else None,
            )
            for name, seconds in NODES.items()
        ],
        data=None,
        drift=drift(span, before, random_),
        candidate=candidate(before, random_) if decided else None,
        phone=None,
        server=None,
        lineage=[],
        configuration={},
        environment={},
        reproduce=[],
    ).model_copy(update=changed)


def candidate(before: int | None, random_: np.random.Generator) -> ModelFacts:
    """AUC of both models, the only metric."""
    mine, its = random_.uniform(0.69, 0.74), random_.uniform(0.66, 0.71)
    production = Measured(value=its, interval=(its - 0.01, its + 0.01)) if before else None
    metric = Metric(
        name="AUC", better="higher", candidate=Measured(value=mine, interval=(mine - 0.01, mine + 0.01)), production=production
    )
    return ModelFacts(
        rows=9000,
        blessed=True,
        refusals=[],
        production_version=before,
        metrics=[metric],
        slices=[],
        candidate=None,
        production=None,
        loss={},
        importance=[],
    )


def drift(span: str, before: int | None, random_: np.random.Generator):
    """Two checks a feature, and the AUC of the model in production on the whole month."""
    checks = [
        a_check(feature, measure, random_.exponential(1.25) * limit, limit)
        for feature in FEATURES
        for measure, limit in (("missing share", 0.03), ("Jensen-Shannon divergence", 0.01))
    ]
    checks.append(
        Check(kind="concept", feature="", measure="AUC", value=random_.uniform(0.66, 0.71), limit=0.01, verdict="stable")
    )
    reference = Reference(model="parcels", version=before, span="2023-12", window=["2023-12"], rows=27000) if before else None
    return conclude(
        span=span, rows=27000, reference=reference, checks=checks if before else [], retrain_on=["always"], block_push=[]
    )


def a_check(feature: str, measure: str, value: float, limit: float) -> Check:
    """Of a feature's data."""
    verdict = "drifted" if value >= limit else "stable"
    return Check(
        kind="data", feature=feature, measure=measure, value=value, limit=limit, verdict=verdict, reason=f"{feature} moved"
    )
