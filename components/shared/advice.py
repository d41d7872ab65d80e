"""What a person does next, said by the terminal and on the page."""

from components.shared.commands import module
from components.shared.documents import Part


class Advice(Part):
    """A step, and the command that does it."""

    text: str
    command: str = ""


def promotion(current: int, waiting: int, *, phones: bool, problem: str) -> Advice:
    """Say what puts the waiting version of a problem's model into production, and whether phones get it first."""
    ahead = f", and phones, which get version {waiting}, are ahead of the server" if phones else ""
    return Advice(
        text=f"models.config keeps version {current} in production{ahead}. To put version {waiting} there:",
        command=module("serving.promote", problem, f"--stable {waiting}"),
    )
