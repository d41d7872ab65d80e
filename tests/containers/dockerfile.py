"""The Dockerfile as data: its stages, and what a target inherits."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile_parse import DockerfileParser

REPOSITORY = Path(__file__).parent.parent.parent
TEXT = (REPOSITORY / "Dockerfile").read_text()


@dataclass
class Stage:
    """What stands between one FROM and the next.

    Attributes:
        parent: the image or the stage it starts from.
        instructions: instruction and value, in order, comments as COMMENT.
    """

    parent: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def values(self, instruction: str) -> list[str]:
        """Of each time that `instruction` stands in the stage."""
        return [value for name, value in self.instructions if name == instruction]


def stages(text: str = TEXT) -> dict[str, Stage]:
    """Each stage by its name; every one must have one."""
    found: dict[str, Stage] = {}
    for line in DockerfileParser(fileobj=io.BytesIO(text.encode())).structure:
        if line["instruction"] == "FROM":
            parent, _, name = line["value"].split()
            current = found[name] = Stage(parent)
        elif found:
            current.instructions.append((line["instruction"], line["value"]))
    return found


def inherited(target: str, instruction: str) -> list[str]:
    """Values of `instruction` in the stage and in those that it starts from, the oldest first."""
    every = stages()
    stage = every[target]
    older = inherited(stage.parent, instruction) if stage.parent in every else []
    return older + stage.values(instruction)


def entry_point(target: str) -> list[str]:
    """Its last ENTRYPOINT, which must be JSON."""
    return json.loads(inherited(target, "ENTRYPOINT")[-1])


def images() -> set[str]:
    """Those that others have built: the base of a stage, or the source of a COPY."""
    every = stages()
    parents = {stage.parent for stage in every.values()}
    sources = {
        value.split()[0].removeprefix("--from=")
        for stage in every.values()
        for value in stage.values("COPY")
        if value.startswith("--from=")
    }
    return (parents | sources) - set(every)
