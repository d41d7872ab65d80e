"""Facts of invented runs, one for each way in which a run ends. Deterministic."""

from components.run_report import advice, gates
from components.run_report.facts import (
    ArtifactFacts,
    FindingFacts,
    Importance,
    Node,
    PhoneFacts,
    RunFacts,
    SliceFacts,
)
from components.shared.canary_report import CanaryReport
from components.shared.drift_report import Check
from tests.components.run_report import parts

SCRIPT = "<script>alert(1)</script>"
UPSTREAM = {
    "ImportSchemaGen": [],
    "ProductionModel": [],
    "SpanExampleGen": [],
    "StatisticsGen": ["SpanExampleGen"],
    "ExampleValidator": ["StatisticsGen", "ImportSchemaGen"],
    "DataChecks": ["SpanExampleGen", "ImportSchemaGen", "StatisticsGen", "ExampleValidator"],
    "DataGate": ["SpanExampleGen", "DataChecks"],
    "DriftMonitor": ["SpanExampleGen", "ImportSchemaGen", "ProductionModel", "DataGate"],
    "Transform": ["SpanExampleGen", "ImportSchemaGen", "DataGate", "DriftMonitor"],
    "Trainer": ["Transform"],
    "Evaluator": ["SpanExampleGen", "ImportSchemaGen", "Trainer", "ProductionModel"],
    "Canary": ["SpanExampleGen", "Trainer", "Evaluator"],
    "MobileExporter": ["SpanExampleGen", "Transform", "Trainer", "Evaluator", "ProductionModel"],
    "MobileEvaluator": ["SpanExampleGen", "Trainer", "MobileExporter"],
    "Publisher": ["Trainer", "Evaluator", "Canary", "MobileEvaluator", "DriftMonitor"],
    "MobilePublisher": ["MobileExporter", "MobileEvaluator", "Publisher"],
    "RunReport": ["MobilePublisher"],
}
SECONDS = dict(
    zip(
        UPSTREAM,
        (0.04, 0.02, 1.78, 3.69, 0.02, 0.01, 0.01, 2.9, 20.5, 15.6, 14.9, 7.5, 10.9, 14.4, 0.08, 0.02, None),
        strict=True,
    )
)


def published() -> RunFacts:
    """A candidate better than production; drift, as in most months."""
    return _run(
        outcome="published",
        headline="Published version 2, trained up to 2024-04: AUC 0.719, and 0.709 of version 1 on the same 9,242 rows; "
        "it passed every gate.",
        version=2,
        nodes=_nodes(),
        data=parts.data(),
        drift=parts.drift(),
        candidate=parts.model(),
        phone=parts.phone(),
        server=parts.server(),
        lineage=parts.lineage(),
    )


def first() -> RunFacts:
    """Nothing is in production: nothing to compare with."""
    found = parts.data()
    features = [feature.model_copy(update={"reference": None}) for feature in found.features]
    return _run(
        outcome="published",
        headline="Published version 1, trained up to 2024-03: AUC 0.699 on 9,056 rows; it passed every gate.",
        version=1,
        nodes=_nodes(),
        data=found.model_copy(update={"features": features}),
        drift=parts.drift().model_copy(update={"reference": None, "verdict": "no_reference", "checks": [], "reasons": []}),
        candidate=parts.model(with_production=False),
        phone=parts.phone(),
        server=parts.server(),
        lineage=parts.lineage(),
    )


def stopped() -> RunFacts:
    """DataGate refused the data."""
    text = "share of positive labels out of range. Found: 71.30% of 68,855 rows. Expected: 2.00% to 60.00%."
    found = parts.data().model_copy(
        update={
            "findings": [
                FindingFacts(split="train", feature="returned", severity="error", text=text),
                FindingFacts(split="eval", feature="weight", severity="warning", text="new values. Found: 2. Expected: none."),
            ]
        }
    )
    return _run(
        outcome="stopped",
        headline="Nothing was published for 2024-04: DataGate refused the data (train split, returned: share of positive "
        "labels out of range), and version 1 stays in production.",
        version=1,
        nodes=_nodes(fails="DataGate", message=f"DataRejected: 1 anomaly stops the run.\n- train split, returned: {text}"),
        data=found,
        lineage=parts.lineage()[:3],
    )


def quiet() -> RunFacts:
    """Nothing moved that calls for a new model."""
    calm = [
        check.model_copy(update={"value": check.value / 100, "verdict": "stable", "reason": ""})
        for check in parts.drift().checks
    ]
    return _run(
        outcome="stable",
        headline="Nothing was published for 2024-04, and nothing was trained: version 1 stays, since no check calls "
        "for a new one.",
        version=1,
        nodes=_nodes(last="DriftMonitor"),
        data=parts.data(),
        drift=parts.drift().model_copy(update={"checks": calm[:-3], "verdict": "stable", "reasons": [], "retrain": False}),
        lineage=parts.lineage()[:4],
    )


def refused() -> RunFacts:
    """The Evaluator did not bless the candidate, so the Canary did not try it, and nothing was pushed."""
    limit = "overall: auc is 0.7191; expected at least 0.9"
    made = published()
    settings = made.configuration | {"evaluate": {"min_auc": 0.9, "max_auc_drop": 0.01}}
    untried = CanaryReport(reasons=["it was not tried"])
    return _run(
        outcome="not_blessed",
        headline="Nothing was published for 2024-04: the Evaluator refused the candidate of 2024-04 (AUC 0.719, limit at least "
        "0.900), and version 1 stays in production.",
        version=1,
        nodes=_nodes(),
        data=made.data,
        drift=made.drift,
        candidate=parts.model().model_copy(update={"blessed": False, "refusals": [limit]}),
        phone=parts.phone().model_copy(update={"blessed": False, "reason": "the server's model was not blessed"}),
        server=untried,
        lineage=parts.lineage(),
        configuration=settings,
    )


def failed() -> RunFacts:
    """The Trainer broke."""
    first = "ResourceExhaustedError: OOM when allocating tensor with shape[256,128]"
    return _run(
        outcome="failed",
        headline=f"Nothing was published for 2024-04: Trainer failed with {first}, and version 1 stays in production.",
        version=1,
        nodes=_nodes(fails="Trainer", message=f"{first}\nGraph execution error:\n  node dense/MatMul"),
        data=parts.data(),
        drift=parts.drift(),
        lineage=parts.lineage()[:5],
    )


def hostile() -> RunFacts:
    """Names that would run as a script, or break a tag or an attribute, were they not escaped."""
    evil, quoted = SCRIPT, "\"'><img src=x onerror=alert(2)>&lt;"
    found = parts.data()
    features = [
        found.features[0].model_copy(update={"categories": [evil, quoted, *parts.SHOPS[2:]]}),
        found.features[1].model_copy(update={"name": evil, "unit": quoted}),
        *found.features[2:],
    ]
    findings = [FindingFacts(split=evil, feature=quoted, severity=evil, text=evil)]
    check = Check(kind="data", feature=evil, measure=quoted, value=2, limit=1, verdict="drifted", reason=evil)
    seen = parts.model()
    named = [Importance(feature=evil, lost=0.1, spread=0.01), Importance(feature=quoted, lost=0.05, spread=0.01)]
    changed = {"importance": named, "loss": {evil: [0.5, 0.4]}, "refusals": [evil]}
    changed |= {"slices": [SliceFacts(name=f"shop={evil}", rows=9, candidate={"AUC": 0.7}, production={"AUC": 0.6})]}
    return _run(
        outcome="published",
        headline=evil,
        version=2,
        nodes=[*_nodes(fails="Trainer", message=evil), Node(name=evil, upstream=["Trainer"], state="not_run", message=quoted)],
        data=found.model_copy(update={"features": features, "findings": findings, "window": [evil]}),
        drift=parts.drift().model_copy(update={"checks": [check], "reasons": [evil]}),
        candidate=seen.model_copy(update=changed),
        phone=PhoneFacts(variants=[], blessed=False, reason=evil),
        server=parts.server().model_copy(update={"reasons": [quoted]}),
        lineage=[ArtifactFacts(node=evil, key=quoted, type=evil, uri=f"/{evil}", sha256="", used_by=[quoted])],
        configuration={evil: {quoted: evil}},
        environment={evil: quoted},
        reproduce=[f"echo '{evil}'"],
    )


def every() -> dict[str, RunFacts]:
    """All of them, by name."""
    made = (published, first, refused, stopped, quiet, failed, hostile)
    return {build.__name__: build() for build in made}


def _run(**given) -> RunFacts:
    absent = dict.fromkeys(("data", "drift", "candidate", "phone", "server"))
    common = {
        "run": "2026-11-24T23:43:37.909046",
        "model": "parcels",
        "span": "2024-04",
        "started": "2026-11-24T23:43:37+00:00",
        "seconds": 93.4,
        "configuration": {
            "data": {"window": 3, "eval_days": 10, "spans": "data/parcels/spans", "schema": "data/parcels/schema.pbtxt"},
            "gate": {"stop_on": ["error"], "min_rows": 1000, "min_positive_share": 0.02, "max_positive_share": 0.6},
            "evaluate": {"min_auc": 0.6, "max_auc_drop": 0.01},
            "canary": {"max_p99_ms": 250.0, "max_memory_mb": 2500.0, "max_growth_mb": 200.0, "max_difference": 1e-5},
            "mobile": {"max_size_kb": 400, "max_auc_change": 0.001, "max_log_loss_change": 0.001},
            "train": {"epochs": 3, "batch_size": 256},
            "kubeflow": {"nodes": {"Trainer": {"cpu": "4"}}},
        },
        "environment": {"git commit": "b8fca71", "python": "3.11.14", "tfx": "1.21.0", "tensorflow": "2.21.0"},
        "reproduce": [
            "git checkout b8fca71",
            "make setup data",
            ".venv/bin/python -m pipeline.local_runner --root runs/again --span 2024-04",
        ],
    }
    made = RunFacts.model_validate(absent | common | given)
    held = gates.gates(made)
    states = [node.model_copy(update={"state": gates.node_state(node, held, made.outcome)}) for node in made.nodes]
    made = made.model_copy(update={"gates": held, "nodes": states})
    again, back = (f".venv/bin/python -m pipeline.{name}" for name in ("local_runner --span 2024-04", "rollback"))
    return made.model_copy(update={"steps": advice.steps(made, again, back)})


def _nodes(fails: str = "", message: str = "", last: str = "") -> list[Node]:
    made, state = [], "done"
    for name, upstream in UPSTREAM.items():
        if name == fails:
            made.append(Node(name=name, upstream=upstream, state="failed", seconds=0.4, message=message))
            state = "not_run"
        elif name == "RunReport":
            made.append(Node(name=name, upstream=upstream, state="done"))
        else:
            cached = name == "ImportSchemaGen"
            ran = SECONDS[name] if state == "done" else None
            made.append(Node(name=name, upstream=upstream, state="cached" if cached else state, seconds=ran))
        if name == last:
            state = "skipped"
    return made
