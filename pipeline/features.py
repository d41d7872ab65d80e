"""The label and the features, each declared once.

The columns read, the schema check, preprocessing, the model's inputs and the serving signatures all derive from this list.
To bring your own data, edit it first. This module imports nothing heavy: command lines read it too.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a feature means, which settles how it is prepared. Prepared values are float32 unless stated otherwise."""

    NUMERIC = "numeric"  # z-score over the training split
    CATEGORICAL = "categorical"  # int64 index into the training split's vocabulary, the last one for unseen values
    CYCLIC = "cyclic"  # share of the period, modulo it; the network makes sines and cosines of it: 23:59 is next to 00:00
    FLAG = "flag"  # 0 or 1; anything but 0 is 1
    SHARE = "share"  # a share of positives that was observed before; its log-odds are the network's prior


MISSING_CATEGORY = "__missing__"  # stands for an absent category, a string because a phone cannot send an empty one


@dataclass(frozen=True)
class Feature:
    """One raw column, known before departure.

    Attributes:
        name: the column in the spans and the tensor in the serving signature.
        kind: how it is prepared.
        unit: for people: the model card, the phone's form.
        optional: it may be missing (absent, null or NaN). A missing numeric becomes the mean and sets `<name>_missing`; a
            missing cyclic, or an infinite one, sets `<name>_missing`, the circle's centre; a missing category becomes
            `MISSING_CATEGORY`; a missing share the mean share.
        period: of a cyclic feature, in `unit`.
        prior: of a share: with what weight its log-odds are the point that the network starts from.
    """

    name: str
    kind: Kind
    unit: str = ""
    optional: bool = False
    period: float = 0.0
    prior: float = 0.0

    @property
    def dtype(self) -> str:
        """The raw dtype, by TensorFlow's name: every kind has one."""
        return {Kind.CATEGORICAL: "string", Kind.FLAG: "int64"}.get(self.kind, "float32")

    @property
    def prepared(self) -> tuple[str, ...]:
        """Names of the tensors that preprocessing makes of this feature."""
        if self.kind is Kind.CYCLIC or (self.kind is Kind.NUMERIC and self.optional):
            return (self.name, f"{self.name}_missing")
        return (self.name,)


LABEL = "late"  # int64, 1: arrived 15 or more minutes after schedule
DATE = "date"  # local date of scheduled departure: splits by time, never a feature

FEATURES = (
    Feature("carrier", Kind.CATEGORICAL),
    Feature("origin", Kind.CATEGORICAL),
    Feature("dest", Kind.CATEGORICAL),
    Feature("distance", Kind.NUMERIC, "miles"),
    Feature("departure_minute", Kind.CYCLIC, "minutes since local midnight", period=1440),
    Feature("arrival_minute", Kind.CYCLIC, "minutes since local midnight", period=1440),
    Feature("weekday", Kind.CYCLIC, "days since Monday", period=7),
    Feature("holiday", Kind.FLAG),
    Feature("departures_in_hour", Kind.NUMERIC, "scheduled departures from the airport in that hour"),
    Feature("plane_year", Kind.NUMERIC, "year built", optional=True),
    Feature("seats", Kind.NUMERIC, "seats", optional=True),
    Feature("engines", Kind.NUMERIC, "engines", optional=True),
    Feature("temp", Kind.NUMERIC, "°F", optional=True),
    Feature("dewp", Kind.NUMERIC, "°F", optional=True),
    Feature("humid", Kind.NUMERIC, "%", optional=True),
    Feature("wind_dir", Kind.CYCLIC, "degrees", optional=True, period=360),
    Feature("wind_speed", Kind.NUMERIC, "mph", optional=True),
    Feature("wind_gust", Kind.NUMERIC, "mph", optional=True),
    Feature("precip", Kind.NUMERIC, "inches", optional=True),
    Feature("pressure", Kind.NUMERIC, "millibars", optional=True),
    Feature("visib", Kind.NUMERIC, "miles", optional=True),
    Feature("origin_late_share_1d", Kind.SHARE, "of the airport's flights, late the day before", optional=True, prior=0.35),
    Feature("carrier_late_share_7d", Kind.SHARE, "of the airline's flights, late in seven days", optional=True, prior=0.45),
)

COLUMNS = {feature.name: feature.dtype for feature in FEATURES} | {LABEL: "int64"}
