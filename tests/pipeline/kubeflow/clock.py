"""A clock that goes on only when somebody sleeps, and then at once."""


class Clock:
    """In the place of the module `time`.

    Attributes:
        waited: seconds of each sleep.
    """

    def __init__(self) -> None:
        self.waited: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    def monotonic(self) -> float:
        return sum(self.waited)
