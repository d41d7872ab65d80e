"""A node's component as a declaration: what it takes and makes, by name; the rest is the same for all."""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from types import NoneType
from typing import Any, get_args

from google.protobuf import json_format
from google.protobuf.message import Message
from pydantic import BaseModel
from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.types.channel import Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter


class JsonParameter(ExecutionParameter):
    """A parameter that is given as a value of any type, and that the executor gets as JSON.

    Args:
        given: the type of the value.
        optional: whether it may be left out.
    """

    def __init__(self, given: type, optional: bool = False):
        super().__init__(type=str, optional=optional)
        self.given = given

    def as_json(self, name: str, value: Any) -> str:
        """Convert a value. Raises TypeError for one of another type, as TFX does, naming the parameter."""
        if not isinstance(value, self.given):
            raise TypeError(f"Expected type {self.given} for parameter {name!r} but got {value!r} instead.")
        if isinstance(value, BaseModel):
            return value.model_dump_json()
        if isinstance(value, Message):
            return json_format.MessageToJson(value, indent=None)
        return json.dumps(asdict(value) if is_dataclass(value) else value)  # type: ignore[arg-type]


def spec(
    *, inputs: Mapping[str, Any] | None = None, outputs: Mapping[str, Any], parameters: Mapping[str, Any]
) -> type[ComponentSpec]:
    """Declare what a component takes and makes.

    Args:
        inputs, outputs: name to type of the artifact; `X | None` where it may be left out.
        parameters: name to type, likewise; those that are not str, int or float become a `JsonParameter`.
    """
    declared = {
        "INPUTS": {name: ChannelParameter(*_type(stated)) for name, stated in (inputs or {}).items()},
        "OUTPUTS": {name: ChannelParameter(*_type(stated)) for name, stated in outputs.items()},
        "PARAMETERS": {name: _parameter(*_type(stated)) for name, stated in parameters.items()},
    }
    return type("Spec", (ComponentSpec,), declared)


def _type(stated: Any) -> tuple[type, bool]:
    """Return the type, and whether it is optional."""
    types = [each for each in get_args(stated) if each is not NoneType]
    return (types[0], True) if types else (stated, False)


def _parameter(given: type, optional: bool) -> ExecutionParameter:
    return (ExecutionParameter if given in (str, int, float) else JsonParameter)(given, optional)


class Component(BaseComponent):
    """A component that is made from what its `SPEC_CLASS` declares, by name, and makes its outputs itself.

    Raises:
        TypeError, ValueError: an argument is of another type, unknown or missing.
    """

    def __init__(self, **given: Any):
        declared = self.SPEC_CLASS
        if unknown := given.keys() - declared.INPUTS.keys() - declared.PARAMETERS.keys():  # TFX would ignore them
            raise TypeError(f"{type(self).__name__} got {', '.join(sorted(unknown))}; expected what its spec declares.")
        for name, parameter in declared.PARAMETERS.items():
            if isinstance(parameter, JsonParameter) and given.get(name) is not None:
                given[name] = parameter.as_json(name, given[name])
        super().__init__(declared(**given, **{name: Channel(type=made.type) for name, made in declared.OUTPUTS.items()}))


class BeamComponent(Component, BaseBeamComponent):
    """A `Component` whose executor runs a Beam pipeline."""
