"""What all sections of the configuration have in common."""

from pydantic import BaseModel, ConfigDict

SENSITIVE = "sensitive"  # marks a setting, as in Annotated[str, SENSITIVE]: people put passwords in it, so it is not published


class Section(BaseModel):
    """A section refuses unknown keys and never changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
