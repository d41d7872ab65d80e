"""Facts of invented runs, one for each way in which a run ends. Deterministic."""

import math

from components.run_report import advice, gates
from components.run_report.facts import (
    ArtifactFacts,
    Curves,
    DataFacts,
    Distribution,
    FeatureFacts,
    FindingFacts,
    Importance,
    Measured,
    Metric,
    ModelFacts,
    Node,
    PhoneFacts,
    RunFacts,
    ServerFacts,
    SliceFacts,
    VariantFacts,
)
from components.shared import drift_report
from components.shared.drift_report import Check

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
CARRIERS = ["UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "other"]
NUMBERS = ["distance", "departure_minute", "temp", "dewp", "humid", "wind_speed", "wind_gust", "pressure", "visib"]
NUMBERS += ["plane_year", "seats", "departures_in_hour", "origin_late_share_1d", "carrier_late_share_7d"]


def published() -> RunFacts:
    """A candidate better than production; drift, as in most months."""
    return _run(
        outcome="published",
        headline="Published version 2, trained up to 2013-04: AUC 0.719, and 0.709 of version 1 on the same 9,242 rows; "
        "it passed every gate.",
        version=2,
        nodes=_nodes(),
        data=data(),
        drift=drift(),
        candidate=model(),
        phone=phone(),
        server=server(),
        lineage=lineage(),
    )


def first() -> RunFacts:
    """Nothing is in production: nothing to compare with."""
    found = data()
    features = [feature.model_copy(update={"reference": None}) for feature in found.features]
    return _run(
        outcome="published",
        headline="Published version 1, trained up to 2013-03: AUC 0.699 on 9,056 rows; it passed every gate.",
        version=1,
        nodes=_nodes(),
        data=found.model_copy(update={"features": features}),
        drift=drift().model_copy(update={"reference": None, "verdict": "no_reference", "checks": [], "reasons": []}),
        candidate=model(with_production=False),
        phone=phone(),
        server=server(),
        lineage=lineage(),
    )


def stopped() -> RunFacts:
    """DataGate refused the data."""
    text = "share of positive labels out of range. Found: 71.30% of 68,855 rows. Expected: 2.00% to 60.00%."
    found = data().model_copy(
        update={
            "findings": [
                FindingFacts(split="train", feature="late", severity="error", text=text),
                FindingFacts(split="eval", feature="temp", severity="warning", text="new values. Found: 2. Expected: none."),
            ]
        }
    )
    return _run(
        outcome="stopped",
        headline="Nothing was published for 2013-04: DataGate refused the data (train split, late: share of positive labels "
        "out of range), and version 1 stays in production.",
        version=1,
        nodes=_nodes(fails="DataGate", message=f"DataRejected: 1 anomaly stops the run.\n- train split, late: {text}"),
        data=found,
        lineage=lineage()[:3],
    )


def quiet() -> RunFacts:
    """Nothing moved that calls for a new model."""
    calm = [
        check.model_copy(update={"value": check.value / 100, "verdict": "stable", "reason": ""}) for check in drift().checks
    ]
    return _run(
        outcome="stable",
        headline="Nothing was published for 2013-04, and nothing was trained: version 1 stays, since no check calls "
        "for a new one.",
        version=1,
        nodes=_nodes(last="DriftMonitor"),
        data=data(),
        drift=drift().model_copy(update={"checks": calm[:-3], "verdict": "stable", "reasons": [], "retrain": False}),
        lineage=lineage()[:4],
    )


def refused() -> RunFacts:
    """The Evaluator did not bless the candidate, so the Canary did not try it, and nothing was pushed."""
    limit = "overall: auc is 0.7191; expected at least 0.9"
    made = published()
    settings = made.configuration | {"evaluate": {"min_auc": 0.9, "max_auc_drop": 0.01}}
    untried = ServerFacts(
        requests=0, p50_ms=None, p99_ms=None, peak_mb=None, growth_mb=None, difference=None, reasons=["it was not tried"]
    )
    return _run(
        outcome="not_blessed",
        headline="Nothing was published for 2013-04: the Evaluator refused the candidate of 2013-04 (AUC 0.719, limit at least "
        "0.900), and version 1 stays in production.",
        version=1,
        nodes=_nodes(),
        data=made.data,
        drift=made.drift,
        candidate=model().model_copy(update={"blessed": False, "refusals": [limit]}),
        phone=phone().model_copy(update={"blessed": False, "reason": "the server's model was not blessed"}),
        server=untried,
        lineage=lineage(),
        configuration=settings,
    )


def failed() -> RunFacts:
    """The Trainer broke."""
    first = "ResourceExhaustedError: OOM when allocating tensor with shape[256,128]"
    return _run(
        outcome="failed",
        headline=f"Nothing was published for 2013-04: Trainer failed with {first}, and version 1 stays in production.",
        version=1,
        nodes=_nodes(fails="Trainer", message=f"{first}\nGraph execution error:\n  node dense/MatMul"),
        data=data(),
        drift=drift(),
        lineage=lineage()[:5],
    )


def hostile() -> RunFacts:
    """Names that would run as a script, or break a tag or an attribute, were they not escaped."""
    evil, quoted = SCRIPT, "\"'><img src=x onerror=alert(2)>&lt;"
    found = data()
    features = [
        found.features[0].model_copy(update={"categories": [evil, quoted, *CARRIERS[2:]]}),
        found.features[1].model_copy(update={"name": evil, "unit": quoted}),
        *found.features[2:],
    ]
    findings = [FindingFacts(split=evil, feature=quoted, severity=evil, text=evil)]
    check = Check(kind="data", feature=evil, measure=quoted, value=2, limit=1, verdict="drifted", reason=evil)
    seen = model()
    named = [Importance(feature=evil, auc_loss=0.1, spread=0.01), Importance(feature=quoted, auc_loss=0.05, spread=0.01)]
    parts = {"importance": named, "loss": {evil: [0.5, 0.4]}, "refusals": [evil]}
    parts |= {"slices": [SliceFacts(name=f"carrier={evil}", rows=9, candidate={"AUC": 0.7}, production={"AUC": 0.6})]}
    return _run(
        outcome="published",
        headline=evil,
        version=2,
        nodes=[*_nodes(fails="Trainer", message=evil), Node(name=evil, upstream=["Trainer"], state="not_run", message=quoted)],
        data=found.model_copy(update={"features": features, "findings": findings, "window": [evil]}),
        drift=drift().model_copy(update={"checks": [check], "reasons": [evil]}),
        candidate=seen.model_copy(update=parts),
        phone=PhoneFacts(variants=[], blessed=False, reason=evil),
        server=server().model_copy(update={"reasons": [quoted]}),
        lineage=[ArtifactFacts(node=evil, key=quoted, type=evil, uri=f"/{evil}", sha256="", used_by=[quoted])],
        configuration={evil: {quoted: evil}},
        environment={evil: quoted},
        reproduce=[f"echo '{evil}'"],
    )


def every() -> dict[str, RunFacts]:
    """All of them, by name."""
    made = (published, first, refused, stopped, quiet, failed, hostile)
    return {build.__name__: build() for build in made}


def _run(**parts) -> RunFacts:
    absent = dict.fromkeys(("data", "drift", "candidate", "phone", "server"))
    common = {
        "run": "2026-11-24T23:43:37.909046",
        "model": "flight_delay",
        "span": "2013-04",
        "started": "2026-11-24T23:43:37+00:00",
        "seconds": 93.4,
        "configuration": {
            "data": {"window": 3, "eval_days": 10, "spans": "data/flights/spans", "schema": "data/flights/schema.pbtxt"},
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
            ".venv/bin/python -m pipeline.local_runner --root runs/again --span 2013-04",
        ],
    }
    made = RunFacts.model_validate(absent | common | parts)
    held = gates.gates(made)
    states = [node.model_copy(update={"state": gates.node_state(node, held, made.outcome)}) for node in made.nodes]
    made = made.model_copy(update={"gates": held, "nodes": states})
    again, back = (f".venv/bin/python -m pipeline.{name}" for name in ("local_runner --span 2013-04", "rollback"))
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


def bell(middle: float, width: float, bins: int = 25) -> list[float]:
    """Shares of a normal distribution over [0, 1]."""
    heights = [math.exp(-(((step + 0.5) / bins - middle) ** 2) / (2 * width**2)) for step in range(bins)]
    return [round(height / sum(heights), 6) for height in heights]


def data() -> DataFacts:
    """Three months."""
    rows = {"train": 69835, "eval": 9242, "reference": 68855}

    def three(shares: list[list[float]], mean: float | None, missing: float) -> dict[str, Distribution]:
        return {
            name: Distribution(
                rows=rows[name],
                missing=min(1, missing * (1 + step)),
                mean=mean and mean * (1 + step / 20),
                shares=shares[step],
            )
            for step, name in enumerate(rows)
        }

    frequent = [[0.17, 0.16, 0.15, 0.14, 0.1, 0.09, 0.07, 0.05, 0.07], [0.19, 0.16, 0.13, 0.14, 0.1, 0.08, 0.07, 0.06, 0.07]]
    carrier = FeatureFacts(name="carrier", categories=CARRIERS, **three([*frequent, frequent[0]], None, 0))
    numbers = [
        FeatureFacts(
            name=name,
            unit={"temp": "°F", "wind_speed": "mph", "distance": "miles"}.get(name, ""),
            edges=[float(edge * 4) for edge in range(26)],
            **three([bell(middle, 0.1 + 0.02 * (step % 3)) for middle in (0.5, 0.58, 0.3)], 48.0, 0.012 * (step % 4)),
        )
        for step, name in enumerate(NUMBERS)
    ]
    late = FeatureFacts(name="late", edges=[-0.5, 0.5, 1.5], **three([[0.76, 0.24], [0.71, 0.29], [0.75, 0.25]], 0.24, 0))
    return DataFacts(
        window=["2013-02", "2013-03", "2013-04"],
        rows={"train": 69835, "eval": 9242},
        rows_by_span={"2013-02": 23684, "2013-03": 27829, "2013-04": 27564},
        features=[carrier, *numbers, late],
        findings=[],
        positives={"train": 0.24, "eval": 0.29},
        repeated=0.00004,
    )


def drift() -> drift_report.Report:
    """Checks of each kind, some beyond their limits."""
    checks = [Check(kind="data", feature="carrier", measure="L-infinity", value=0.011, limit=0.02, verdict="stable")]
    for step, name in enumerate(NUMBERS):
        value = 0.0004 * (step + 1) ** 2.5
        verdict = "drifted" if value > 0.01 else "stable"
        words = f"{name} is distributed differently: Jensen-Shannon divergence {value:.4f}, limit 0.01"
        measured = {"kind": "data", "feature": name, "verdict": verdict, "reason": words if verdict == "drifted" else ""}
        checks.append(Check(measure="Jensen-Shannon divergence", value=value, limit=0.01, **measured))
        checks.append(Check(kind="data", feature=name, measure="missing share", value=0.002, limit=0.03, verdict="stable"))
    shares = {"value": 0.288, "reference": 0.244, "interval": (0.281, 0.294), "limit": 0.005}
    words = "28.8% of labels are positive, in training 24.4%; limit 0.5% apart"
    checks.append(Check(kind="label", feature="", measure="share of positives", verdict="drifted", reason=words, **shares))
    auc = {"value": 0.6945, "reference": 0.6986, "interval": (0.629, 0.745), "limit": 0.01}
    checks.append(Check(kind="concept", feature="", measure="AUC", verdict="stable", **auc))
    loss = {"value": 0.56, "reference": 0.427, "interval": (0.442, 0.672), "limit": 0.01}
    words = "log loss of the model in production is 0.5602 (0.4418 to 0.6723), was 0.4270 when published; limit 0.01 worse"
    checks.append(Check(kind="concept", feature="", measure="log loss", verdict="decayed", reason=words, **loss))
    window = ["2013-01", "2013-02", "2013-03"]
    reference = drift_report.Reference(model="flight_delay", version=1, span="2013-03", window=window, rows=68855)
    return drift_report.conclude(
        span="2013-04", rows=27564, reference=reference, checks=checks, retrain_on=["label", "concept"], block_push=[]
    )


def _curves(skill: float) -> Curves:
    across = [step / 50 for step in range(51)]
    means = (0.07, 0.11, 0.15, 0.19, 0.23, 0.27, 0.33, 0.4, 0.5, 0.68)
    return Curves(
        roc=[(x, x ** (1 - skill)) for x in across],
        precision_recall=[(x, 0.29 + (0.6 * skill) * (1 - x) ** 0.7) for x in across],
        calibration=[(x, min(1.0, x**1.1 * (0.8 + skill / 2)), 924) for x in means],
        negatives=bell(0.2, 0.1, 20),
        positives=bell(0.2 + 0.3 * skill, 0.15, 20),
    )


def model(with_production: bool = True) -> ModelFacts:
    """The candidate, and production at its side."""
    values: dict[str, tuple] = {
        "AUC": ("higher", 0.7191, (0.7071, 0.731), 0.709, (0.697, 0.721), (-0.001, 0.021), "undecided"),
        "AUC-PR": ("higher", 0.523, (0.502, 0.544), 0.509, (0.488, 0.53), (-0.004, 0.031), "undecided"),
        "log loss": ("lower", 0.5685, (0.555, 0.582), 0.5921, (0.577, 0.607), (-0.034, -0.012), "better"),
        "calibration": ("nearer 1", 0.9459, None, 0.7531, None, None, "undecided"),
    }
    metrics = [
        Metric(
            name=name,
            better=better,
            candidate=Measured(value=new, interval=span),
            production=Measured(value=old, interval=before) if with_production else None,
            difference=Measured(value=new - old, interval=moved) if with_production else None,
            verdict=said if with_production else "undecided",
        )
        for name, (better, new, span, old, before, moved, said) in values.items()
    ]
    names = ["origin=EWR", "origin=JFK", "origin=LGA", *(f"carrier={carrier}" for carrier in CARRIERS[:-1])]
    slices = [
        SliceFacts(
            name=name,
            rows=3400 - 300 * step,
            candidate={"AUC": 0.75 - 0.01 * step, "log loss": 0.5 + 0.01 * step},
            production={"AUC": 0.735 - 0.009 * step, "log loss": 0.53 + 0.01 * step} if with_production else {},
        )
        for step, name in enumerate(names)
    ]
    return ModelFacts(
        rows=9242,
        blessed=True,
        refusals=[],
        production_version=1 if with_production else None,
        metrics=metrics,
        slices=slices,
        candidate=_curves(0.6),
        production=_curves(0.5) if with_production else None,
        loss={"train": [0.52, 0.49, 0.48], "eval": [0.575, 0.57, 0.5685]},
        importance=[
            Importance(feature=name, auc_loss=round(0.05 / (1 + step) - 0.003, 5), spread=0.002)
            for step, name in enumerate(["origin_late_share_1d", "departure_minute", "carrier", *NUMBERS[2:]])
        ],
    )


def phone() -> PhoneFacts:
    """Two files."""
    shared = {"rows": 2417, "row_us": 31.0}
    half = VariantFacts(name="float16", kilobytes=157, ships=True, largest=2.1e-5, mean=3e-6, limit=1e-3, **shared)
    full = VariantFacts(name="float32", kilobytes=268, ships=False, largest=1.2e-7, mean=1e-8, limit=1e-5, **shared)
    return PhoneFacts(variants=[half, full], blessed=True, reason="")


def server() -> ServerFacts:
    """A candidate that served."""
    return ServerFacts(requests=400, p50_ms=4.1, p99_ms=7.9, peak_mb=805.2, growth_mb=3.1, difference=1.2e-7, reasons=[])


def lineage() -> list[ArtifactFacts]:
    """Some of the artifacts."""
    made = [
        ("ImportSchemaGen", "schema", "Schema", ["ExampleValidator", "DataGate"]),
        ("SpanExampleGen", "examples", "Examples", ["StatisticsGen", "Transform", "Evaluator"]),
        ("StatisticsGen", "statistics", "ExampleStatistics", ["ExampleValidator", "Publisher"]),
        ("DriftMonitor", "report", "DriftReport", ["Publisher"]),
        ("Transform", "transform_graph", "TransformGraph", ["Trainer"]),
        ("Trainer", "model", "Model", ["Evaluator", "Canary", "Publisher"]),
        ("Publisher", "pushed_model", "PushedModel", []),
    ]
    return [
        ArtifactFacts(
            node=node,
            key=key,
            type=kind,
            uri=f"/home/me/crosswind/runs/artifacts/{node}/{key}/{step}",
            sha256=f"{step:x}3f9" * 16,
            used_by=used,
        )
        for step, (node, key, kind, used) in enumerate(made, start=17)
    ]
