"""What all sections of the configuration have in common: their form, and how passwords in them are masked."""

from pydantic import BaseModel, ConfigDict, PlainSerializer, SerializationInfo

MASK = "***"


class Section(BaseModel):
    """A section refuses unknown keys, NaN and infinity, and never changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _masked(value: str | list[str], info: SerializationInfo) -> str | list[str]:
    """Mask a whole text, or in each option of a list what follows `=`; an empty text stays empty."""
    if info.context != MASK:
        return value
    if isinstance(value, str):
        return MASK if value else ""
    return [f"{each.partition('=')[0]}={MASK}" if "=" in each else each for each in value]


# Marks a setting, as in Annotated[str, SENSITIVE]: people put passwords in it, so `masking.settings` masks it.
SENSITIVE = PlainSerializer(_masked)
