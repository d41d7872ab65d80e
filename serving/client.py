"""Ask a model server, TensorFlow Serving or the local one, for the scores of raw rows: the same calls over gRPC and REST."""

from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import numpy as np
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from components.shared.command_line import quiet_stderr
from components.shared.errors import BadConfig
from serving.refused import Refused, StatusCode
from serving.rows import RawRows, columns

Answer = TypeVar("Answer")
RAW = "raw"  # the signature that takes raw values
CLASSIFY = "classify"  # the one that names the classes


@dataclass(frozen=True)
class RawSignature:
    """What the signature `raw` takes, name to dtype as `DT_FLOAT`, and what its one output is called."""

    inputs: dict[str, str]
    output: str


@dataclass(frozen=True)
class Target:
    """Which model of which server: `http://host:port`, `https://host:port` or `grpc://host:port`.

    At most one of `version` and `label` is set; neither: the newest. An answer may take some `seconds`. Only an UNAVAILABLE
    server is asked again, up to so many `attempts`, after random, growing pauses.
    """

    url: str
    model: str
    version: int | None = None
    label: str = ""
    seconds: float = 5.0
    attempts: int = 4


def connect(target: Target) -> "Client":
    """Make a client of a model server. Nothing is sent yet. Raises BadConfig for a URL of another kind, or too much else."""
    if target.version is not None and target.label:
        raise BadConfig(f"Version {target.version} and label {target.label} are both given; expected at most one of them.")
    if _scheme(target.url) == "grpc":
        with quiet_stderr():  # TensorFlow greets when it is imported
            from serving.grpc_client import GrpcClient  # noqa: PLC0415

        return GrpcClient(target)
    from serving.rest_client import RestClient  # noqa: PLC0415

    return RestClient(target)


def _scheme(url: str) -> str:
    try:
        parts = urlsplit(url)
        found = parts.scheme if parts.hostname and parts.port != 0 else ""  # `port` raises what is no number
    except ValueError:
        found = ""
    if found not in ("http", "https", "grpc"):
        raise no_server(url)
    return found


def no_server(url: str) -> BadConfig:
    """Return the error for a URL that leads to no server."""
    return BadConfig(f"{url!r} is not a server; expected http://host:port, https://host:port or grpc://host:port.")


class Client(AbstractContextManager):
    """Made by `connect`; closed by `close` or at the end of a `with`."""

    def __init__(self, target: Target):
        self.target = target
        self._raw: RawSignature | None = None

    def predict(self, rows: RawRows) -> np.ndarray:
        """Return the answer to each row of raw values, float32: shape [rows], or of several classes [rows, classes].

        Raises:
            BadData: a row is not what the model takes; nothing was sent.
            Refused: the server's code and message.
        """
        given = columns(rows, self.inputs())
        return self._retried(lambda: self._predict(given, self.output()))

    def inputs(self) -> dict[str, str]:
        """Return what the model takes, name to dtype as `DT_FLOAT`. The server is asked once. Raises Refused."""
        return self._signature().inputs

    def output(self) -> str:
        """Return what an answer is called, as `probability`. The server is asked once. Raises Refused."""
        return self._signature().output

    def classes(self) -> list[str]:
        """Return the names of the classes, in the order of their answers. Raises Refused by a model that has none."""
        return self._retried(self._ask_classes)

    def states(self) -> dict[int, str]:
        """Return the state of each version that the server knows, such as AVAILABLE. Raises Refused."""
        return self._retried(self._states)

    def _signature(self) -> RawSignature:
        if self._raw is None:
            self._raw = self._retried(self._ask_signature)
        return self._raw

    def _retried(self, call: Callable[[], Answer]) -> Answer:
        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, Refused) and error.code is StatusCode.UNAVAILABLE),
            stop=stop_after_attempt(self.target.attempts),
            wait=wait_random_exponential(0.1, max=2.0),
            reraise=True,
        )
        return retrying(call)

    @abstractmethod
    def _predict(self, given: dict[str, np.ndarray], output: str) -> np.ndarray: ...

    @abstractmethod
    def _ask_signature(self) -> RawSignature: ...

    @abstractmethod
    def _ask_classes(self) -> list[str]: ...

    @abstractmethod
    def _states(self) -> dict[int, str]: ...

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    def __exit__(self, *_: object) -> None:
        self.close()
