"""Hyperparameters, which the Tuner searches: the network's sizes and how it learns, in a file that `make tune` proposes."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from components.shared.documents import problems
from components.shared.errors import BadConfig


class Hyperparameters(BaseModel):
    """Hold `data/<name>/hyperparameters.json`, typed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    learning_rate: float = Field(gt=0, le=1, description="of AdamW after its warm-up, on one replica")
    weight_decay: float = Field(ge=0, le=1, description="of AdamW")
    hidden_units: list[Annotated[int, Field(ge=1, le=65536)]] = Field(min_length=1, description="units of each hidden layer")
    members: int = Field(ge=1, le=256, description="of the ensemble that shares the hidden layers")
    dropout: float = Field(ge=0, lt=1, description="share of units dropped after each hidden layer")
    embedding_dropout: float = Field(ge=0, lt=1, description="share of the embedded values dropped")
    harmonics: int = Field(default=4, ge=1, le=256, description="of a cycle: how sharply an hour of a day is seen")


def read(path: Path) -> Hyperparameters:
    """Read a file of hyperparameters.

    Raises:
        BadConfig: it is missing, no JSON, or a value makes no sense.
    """
    try:
        return Hyperparameters.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BadConfig(
            f"{path} does not hold hyperparameters: {problems(error)}. Expected JSON as `make tune` writes it, "
            f"an object of {', '.join(Hyperparameters.model_fields)}."
        ) from error
