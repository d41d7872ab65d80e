"""The sections of the configuration: each setting typed and documented, with its default where a problem need not say it."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from components.shared.drift_report import DriftKind
from components.shared.phone.card import Variant
from components.shared.units import DAY_HOURS, Unit, days_evaluated
from pipeline.shared.section import SENSITIVE, Section

Share = Annotated[float, Field(ge=0, le=1)]


def _is_feature(name: str, info: ValidationInfo) -> str:
    """Check that a feature is declared, where the context names them; without a context any name will do."""
    if info.context and name not in info.context:
        raise ValueError(f"{name} is not a feature; expected some of {', '.join(info.context)}")
    return name


FeatureName = Annotated[str, AfterValidator(_is_feature)]
Strategy = Literal["one_device", "mirrored", "multi_worker", "tpu", "pipeline"]
Loop = Literal["fit", "custom"]


class Data(Section):
    """Where the rows come from and how they are split, always by time."""

    spans: str = Field(description="folder with a folder for each span, of Parquet or CSV files")
    unit: Unit = Field(
        default=Unit.MONTH, strict=False, description=f"length of a span: {', '.join(f'{unit} ({unit.form})' for unit in Unit)}"
    )
    schema_file: str = Field(alias="schema", description="reviewed tensorflow-metadata schema, as text")
    window: int = Field(default=3, ge=1, le=10_000, description="spans that a model learns from, the newest included")
    max_gaps: int = Field(default=0, ge=0, description="spans of a window that may be absent, as a shop's Sundays are")
    ignore_columns: list[str] = Field(
        default=[], description="columns of the files that are ignored; any other unknown one is refused"
    )
    missing: list[str] = Field(
        default=[], description="texts that also mean a missing value in CSV files, unless quoted; see data/README.md"
    )
    eval_days: int = Field(default=10, ge=1, description="last days of the window, kept for evaluation")
    eval_spans: int = Field(default=0, ge=0, description="newest spans, kept whole for evaluation; 0: the last eval_days")
    eval_share: float = Field(
        default=0.2, gt=0, lt=1, description="share of the rows kept for evaluation, by a hash of them, where they have no date"
    )
    complete_after_days: int = Field(
        default=3,
        ge=0,
        le=366,
        description="days since a span's end, after which it is whole without a later one and without _SUCCESS",
    )

    @property
    def leaves_nothing(self) -> str:
        """The setting by which all of a window that has as many gaps as are allowed is evaluated; empty: none does that."""
        least, kept = (self.unit.least_hours(spans) for spans in (self.window - self.max_gaps, self.eval_spans))
        name = "eval_spans" if self.eval_spans else "eval_days"
        return name if (kept or self.eval_days * DAY_HOURS) >= least else ""

    @property
    def days_evaluated(self) -> int:
        """Of how many days there are evaluation rows at least."""
        return days_evaluated(self.unit, self.eval_days, self.eval_spans, self.max_gaps)


class Gate(Section):
    """What the DataGate refuses to train on."""

    stop_on: list[Literal["error", "warning"]] = Field(
        default=["error"], description="severities of anomalies that stop the run"
    )
    min_rows: int = Field(default=1000, ge=1, description="rows in each split")
    min_eval_days: int = Field(
        default=7, ge=1, description="days of the evaluation split that have rows; all if there are fewer"
    )
    min_positive_share: Share = Field(default=0.02, description="smallest share of positive labels in a split")
    max_positive_share: Share = Field(default=0.98, description="largest share of positive labels in a split")
    min_class_share: Share = Field(
        default=0.0, description="smallest share of a class's labels in the training split; 0: one row"
    )
    may_be_absent: list[str] = Field(default=[], description="classes that the training split may lack, such as a new one")
    max_repeated_share: Share = Field(default=0.001, description="rows of a span that repeat another one")
    max_categories: int = Field(
        default=10_000, ge=1, description="distinct values of a categorical feature; the rare ones share an embedding"
    )
    may_be_constant: list[FeatureName] = Field(
        default=[], description="features that may have one value only in the training split"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_positive_share >= self.max_positive_share:
            raise ValueError(f"min_positive_share must be below max_positive_share ({self.max_positive_share})")
        return self


class Train(Section):
    """How the network is trained; what it looks like is in the file of hyperparameters."""

    hyperparameters: str = Field(description="JSON file, see pipeline/model/hyperparameters.py; `make tune` proposes one")
    epochs: int = Field(default=3, ge=1, le=1000, description="passes over the training split")
    batch_size: int = Field(default=256, ge=1, le=65536, description="rows a step on each replica")
    seed: int = Field(default=1, ge=0, description="of initial weights, shuffling and dropout")
    warm_start: bool = Field(default=False, description="start from the weights of the model in production")
    strategy: Strategy = Field(description="where it trains: a tf.distribute strategy, or stages in a row (GPipe)")
    devices: int = Field(ge=0, le=64, description="of mirrored and pipeline; 0: all GPUs. Without a GPU, parts of the CPU")
    tpu: str = Field(description="name or grpc:// address; empty: TPU_NAME, or the TPU of this machine")
    micro_batches: int = Field(ge=1, description="pieces of a batch that follow each other through the stages of pipeline")
    loop: Loop = Field(description="Keras' loop, or the one written out; same result")
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        description="of the layers' arithmetic in training; what is published has float32"
    )
    jit_compile: bool = Field(description="compile the step with XLA")
    run_eagerly: bool = Field(description="no graphs: slow, for a debugger")


class Drift(Section):
    """When a difference from what production was trained on counts as drift, and what follows from it."""

    policy: Literal["retrain_always", "retrain_on_drift"] = Field(
        default="retrain_always", description="whether a quiet span ends the run"
    )
    retrain_on: list[DriftKind] = Field(
        default=["label", "concept"], description="checks that call for a new model under retrain_on_drift"
    )
    block_push: list[str] = Field(default=[], description="checks that stop a push: a kind, or kind:feature as in skew:temp")
    requests: str = Field(default="", description="folder of logged requests to compare with the training data; empty: none")
    categorical: Share = Field(default=0.02, gt=0, description="L-infinity distance; a feature's own in the schema comes first")
    numeric: Share = Field(
        default=0.01, gt=0, description="Jensen-Shannon divergence; a feature's own in the schema comes first"
    )
    missing: Share = Field(default=0.03, gt=0, description="change of the share of missing values")
    values: Share = Field(default=0.001, gt=0, description="share of rows with new values, or of values that are gone")
    values_of: dict[FeatureName, Annotated[float, Field(gt=0, le=1)]] = Field(
        default={}, description="the same of single features, whose values come and go as streets do"
    )
    label: Share = Field(default=0.005, gt=0, description="change of the share of positives, or of a class")
    prediction: Share = Field(
        default=0.01, gt=0, description="Jensen-Shannon divergence of the scores, or of the likeliest classes"
    )
    shift: float = Field(
        default=0.1,
        gt=0,
        description="change of the mean label, and of the mean prediction, in standard deviations of the label",
    )
    auc: Share = Field(default=0.01, description="loss of AUC")
    log_loss: float = Field(default=0.01, ge=0, description="rise of the log loss")
    calibration: float = Field(
        default=0.1, ge=0, description="rise of the distance of predicted over observed positives from 1"
    )
    accuracy: Share = Field(default=0.02, description="loss of accuracy")
    rmse: float = Field(default=0.05, ge=0, description="rise of the RMSE, as a share of it")
    coverage: Share = Field(default=0.05, description="labels that are missing in the intervals of predictions, of all")

    @field_validator("block_push")
    @classmethod
    def _are_checks(cls, names: list[str], info: ValidationInfo) -> list[str]:
        for name in names:
            kind, colon, feature = name.partition(":")
            known = not info.context or feature in info.context
            if kind not in get_args(DriftKind) or (colon and (kind not in ("data", "skew") or not known)):
                raise ValueError(
                    f"{name!r} is not a check; expected {', '.join(get_args(DriftKind))}, or data:<feature>, skew:<feature>"
                )
        return names

    def limits(self, *names: str) -> dict[str, Any]:
        """Return some of the limits, by name."""
        return self.model_dump(include=set(names))


class Schedule(Section):
    """What `python -m pipeline.retrain` does at a tick."""

    catch_up: int = Field(ge=1, description="spans a tick runs at most, when ticks were missed")
    attempts: int = Field(ge=1, description="ticks that try one span before a person has to look")
    max_hours: float = Field(gt=0, description="after which a run is ended: one that hangs must not stop the schedule")
    notify: Annotated[str, StringConstraints(strip_whitespace=True), SENSITIVE] = Field(
        description="command that gets each outcome but 'nothing to do' as JSON on standard input; empty: none"
    )


class Evaluate(Section):
    """When a candidate is blessed."""

    min_auc: Share = Field(default=0.5, description="smallest AUC over all evaluation rows")
    max_auc_drop: Share = Field(default=0.01, description="how far the AUC may be below production's on the same rows")
    min_accuracy: Share = Field(default=0.0, description="smallest accuracy over all evaluation rows")
    max_accuracy_drop: Share = Field(
        default=0.01, description="how far the accuracy may be below production's on the same rows"
    )
    max_rmse: float = Field(default=0.0, ge=0, description="largest RMSE over all evaluation rows, in the label's unit; 0: any")
    max_rmse_rise: float = Field(
        default=0.02, ge=0, description="how far the RMSE may be above production's on the same rows, as a share of that"
    )
    slices: list[FeatureName] = Field(default=[], description="features by whose values metrics are reported")


class Mobile(Section):
    """The phone's model: what ships, and how close to the server's it must be."""

    ship: list[Variant] = Field(default=["float16"], min_length=1, description="variants to publish; the first is model.tflite")
    max_size_kb: int = Field(default=1000, ge=1, description="largest file, in units of 1,000 bytes")
    threshold: float = Field(default=0.5, gt=0, lt=1, description="probability from which on the answer is yes")
    parity_rows: int = Field(default=2000, ge=1, description="evaluation rows of the parity check; awkward ones are added")
    max_difference: dict[Variant, float] = Field(
        default={"float32": 1e-5, "float16": 1e-3},
        description="largest difference of an answer from the server's, by variant; of a number, in standard deviations of the "
        "answers",
    )
    max_auc_change: Share = Field(default=0.001, description="difference of the AUC from the server's in a slice")
    max_log_loss_change: float = Field(default=0.001, ge=0, description="the same of the log loss")
    max_accuracy_change: Share = Field(default=0.005, description="the same of the accuracy")
    max_rmse_change: float = Field(default=0.001, ge=0, description="the same of the RMSE, as a share of it")
    min_slice_rows: int = Field(default=100, ge=1, description="rows of a slice from which on the two are compared")

    @model_validator(mode="after")
    def _has_limits(self) -> Self:
        if missing := [variant for variant in ("float32", *self.ship) if variant not in self.max_difference]:
            raise ValueError(f"max_difference has no limit for {', '.join(missing)}, which ships or is the reference")
        return self


class CanarySettings(Section):
    """What a server must show before a candidate is published."""

    validator: Literal["process", "docker"] = Field(description="a server of our own, or TFX's InfraValidator")
    command: list[str] = Field(min_length=1, description="of the server, with TensorFlow Serving's flags; python is this one")
    image: str = Field(pattern=r"^[^:]+:[^:]+$", description="TensorFlow Serving's, for docker")
    rows: int = Field(ge=1, description="evaluation rows to ask for, over gRPC and over REST")
    load_seconds: float = Field(gt=0, description="that loading may take")
    answer_seconds: float = Field(gt=0, description="that an answer may take")
    max_p99_ms: float = Field(gt=0, description="99th percentile of the latency, one request at a time")
    max_slowdown: float = Field(gt=1, description="latency as a multiple of production's, request by request, median")
    max_memory_mb: float = Field(gt=0, description="peak of the server's resident memory")
    max_growth_mb: float = Field(gt=0, description="of the memory during the replay")
    max_difference: Share = Field(
        description="of an answer from the one that was evaluated; of a number, in standard deviations of the answers"
    )

    def limits(self) -> dict[str, float]:
        """Return the limits, by name."""
        return self.model_dump(include={"max_p99_ms", "max_slowdown", "max_memory_mb", "max_growth_mb", "max_difference"})


class Components(Section):
    """Which code runs a node, where there are two."""

    executors: Literal["columnar", "stock"] = Field(
        description="StatisticsGen, Transform and Evaluator on columns, or TFX's own; see components/columnar/README.md"
    )


class Batch(Section):
    """Batch scoring within the DAG; `serving.batch` scores files outside of it."""

    bulk_inferrer: bool = Field(description="TFX's BulkInferrer scores the evaluation split with each blessed model")


class Publish(Section):
    """Where a blessed model goes."""

    keep: int = Field(ge=1, description="newest versions to keep; the one in production always is")
    card: str = Field(description="TOML file with what a person says about the model, see components/publisher/model_card.py")
    signing_key: str = Field(description="file of the private key that signs manifests, see pipeline/keys.py; empty: unsigned")
    public_key: str = Field(description="file of the public keys, one of which must have signed what is in production")

    @model_validator(mode="after")
    def _has_both_keys(self) -> Self:
        if bool(self.signing_key) != bool(self.public_key):
            raise ValueError("signing_key and public_key come together: what is published is what the next run starts from")
        return self


class Run(Section):
    """Where a run writes, and how much it may take."""

    root: str = Field(min_length=1, description="folder for metadata, artifacts, logs and published models")
    max_seconds: int = Field(ge=0, description="of a node, after which the run is ended; 0: no limit")
    max_memory_gb: float = Field(ge=0, description="of a local run with all its processes, in 10^9 bytes; 0: no limit")
