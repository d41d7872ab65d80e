"""The parity report: how far each variant's scores are from the server's, `parity.json` of a mobile evaluation."""

from pydantic import BaseModel, ConfigDict

FILE = "parity.json"


class Parity(BaseModel):
    """The parity of one variant; a list of these is `parity.json`."""

    model_config = ConfigDict(frozen=True)

    variant: str
    kilobytes: float
    rows: int
    largest: float  # absolute difference from the server's probability, with any kernels
    mean: float
    worst: str = ""  # the row of the largest difference, and the kernels
    limit: float | None  # None: this variant does not ship
    row_us: float | None = None  # microseconds a row on this machine, one a call, median; None: it was not measured
    operators: list[str]

    @property
    def holds(self) -> bool:
        return self.limit is None or self.largest <= self.limit
