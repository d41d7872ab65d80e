"""Parts of invented runs: a candidate better than production, and data that drifted. Deterministic."""

import math

from components.run_report.facts import (
    ArtifactFacts,
    Curves,
    DataFacts,
    Distribution,
    FeatureFacts,
    Importance,
    Measured,
    Metric,
    ModelFacts,
    PhoneFacts,
    SliceFacts,
    VariantFacts,
)
from components.shared import drift_report
from components.shared.canary_report import CanaryReport
from components.shared.drift_report import Check

SHOPS = ["books", "shoes", "toys", "garden", "stamps", "tea", "maps", "wine", "other"]
NUMBERS = ["distance", "ordered", "weight", "items", "width", "weekday", "price", "height", "depth"]
NUMBERS += ["age", "copies", "orders", "country_share", "shop_share"]


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
    shop = FeatureFacts(name="shop", categories=SHOPS, **three([*frequent, frequent[0]], None, 0))
    numbers = [
        FeatureFacts(
            name=name,
            unit={"weight": "kg", "weekday": "days", "distance": "km"}.get(name, ""),
            edges=[float(edge * 4) for edge in range(26)],
            **three([bell(middle, 0.1 + 0.02 * (step % 3)) for middle in (0.5, 0.58, 0.3)], 48.0, 0.012 * (step % 4)),
        )
        for step, name in enumerate(NUMBERS)
    ]
    returned = FeatureFacts(
        name="returned", edges=[-0.5, 0.5, 1.5], **three([[0.76, 0.24], [0.71, 0.29], [0.75, 0.25]], 0.24, 0)
    )
    return DataFacts(
        window=["2024-02", "2024-03", "2024-04"],
        rows={"train": 69835, "eval": 9242},
        rows_by_span={"2024-02": 23684, "2024-03": 27829, "2024-04": 27564},
        features=[shop, *numbers, returned],
        findings=[],
        positives={"train": 0.24, "eval": 0.29},
        repeated=0.00004,
    )


def drift() -> drift_report.Report:
    """Checks of each kind, some beyond their limits."""
    checks = [Check(kind="data", feature="shop", measure="L-infinity", value=0.011, limit=0.02, verdict="stable")]
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
    window = ["2024-01", "2024-02", "2024-03"]
    reference = drift_report.Reference(model="parcels", version=1, span="2024-03", window=window, rows=68855)
    return drift_report.conclude(
        span="2024-04", rows=27564, reference=reference, checks=checks, retrain_on=["label", "concept"], block_push=[]
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
    names = ["country=AT", "country=DE", "country=CH", *(f"shop={shop}" for shop in SHOPS[:-1])]
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
            Importance(feature=name, lost=round(0.05 / (1 + step) - 0.003, 5), spread=0.002)
            for step, name in enumerate(["country_share", "ordered", "shop", *NUMBERS[2:]])
        ],
    )


def phone() -> PhoneFacts:
    """Two files."""
    shared = {"rows": 2417, "row_us": 31.0}
    half = VariantFacts(name="float16", kilobytes=157, ships=True, largest=2.1e-5, mean=3e-6, limit=1e-3, **shared)
    full = VariantFacts(name="float32", kilobytes=268, ships=False, largest=1.2e-7, mean=1e-8, limit=1e-5, **shared)
    return PhoneFacts(variants=[half, full], blessed=True, reason="")


def server() -> CanaryReport:
    """A candidate that served."""
    return CanaryReport(requests=400, p50_ms=4.1, p99_ms=7.9, peak_mb=805.2, growth_mb=3.1, difference=1.2e-7)


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
