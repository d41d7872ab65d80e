"""The parity report: how far each variant's scores are from the server's, `parity.json` of a mobile evaluation."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

FILE = "parity.json"


class Parity(BaseModel):
    """The parity of one variant; a list of these is `parity.json`."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")  # JSON has no NaN, as a difference from one is

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


REPORT = TypeAdapter(list[Parity])


def write(folder: str, found: list[Parity]) -> None:
    """Write what was found of each variant to an evaluation's folder."""
    (Path(folder) / FILE).write_bytes(REPORT.dump_json(found, indent=1) + b"\n")


def read(folder: str) -> list[Parity]:
    """Read what was found of each variant from an evaluation's folder."""
    return REPORT.validate_json((Path(folder) / FILE).read_bytes())
