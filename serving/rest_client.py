"""The client over REST. Imports no TensorFlow."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np

from components.shared import answers, network
from serving.client import CLASSIFY, RAW, Answer, Client, RawSignature, Target, no_server
from serving.refused import HTTP, Refused, StatusCode

CODES = {status: code for code, status in reversed(HTTP.items())}


class RestClient(Client):
    """Over JSON."""

    def __init__(self, target: Target):
        super().__init__(target)
        where = f"/versions/{target.version}" if target.version is not None else ""
        where = where or (f"/labels/{quote(target.label)}" if target.label else "")
        self._path = f"/v1/models/{quote(target.model)}{where}"
        try:
            self._web = network.web(target.url, target.seconds)
        except httpx.InvalidURL as error:
            raise no_server(target.url) from error
        self._via = network.via(target.url)

    def _predict(self, given: dict[str, np.ndarray], output: str) -> np.ndarray:
        body = {"signature_name": RAW, "inputs": {name: column.tolist() for name, column in given.items()}}
        return self._ask(lambda answer: np.array(answer["outputs"], np.float32), "POST", ":predict", json.dumps(body))

    def _ask_classes(self) -> list[str]:
        body = {"signature_name": CLASSIFY, "inputs": [""]}  # an example without values
        return self._ask(lambda answer: list(map(str, answer["outputs"]["classes"][0])), "POST", ":predict", json.dumps(body))

    def _ask_signature(self) -> RawSignature:
        def read(answer: Any) -> RawSignature:
            raw = answer["metadata"]["signature_def"]["signature_def"][RAW]
            inputs = {name: tensor["dtype"] for name, tensor in raw["inputs"].items()}
            return RawSignature(inputs, answers.only({name: name for name in raw["outputs"]}))

        return self._ask(read, "GET", "/metadata")

    def _states(self) -> dict[int, str]:
        def read(answer: Any) -> dict[int, str]:
            return {int(status["version"]): status["state"] for status in answer["model_version_status"]}

        return self._ask(read, "GET", "")

    def _ask(self, read: Callable[[Any], Answer], method: str, what: str, body: str | None = None) -> Answer:
        """Send a request and return what `read` makes of the answer's JSON. Raises Refused."""
        try:
            response = self._web.request(method, self._path + what, content=body)
        except httpx.TimeoutException as error:
            message = f"{self.target.url}: no answer within {self.target.seconds:g} s{self._via}."
            raise Refused(StatusCode.DEADLINE_EXCEEDED, message) from error
        except (httpx.RequestError, UnicodeError) as error:  # UnicodeError: no host can have such a name
            raise Refused(StatusCode.UNAVAILABLE, f"{self.target.url} cannot be reached{self._via}: {error}") from error
        if response.is_error:
            raise Refused(CODES.get(response.status_code, StatusCode.UNKNOWN), _error(response))
        try:
            return read(json.loads(response.text))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise Refused(
                StatusCode.UNKNOWN,
                f"{response.url} answered HTTP {response.status_code}: {response.text[:200]!r}. Expected the JSON of a model "
                f"server, whose model has the signature {RAW}. Name the server's REST port.",
            ) from error

    def close(self) -> None:
        self._web.close()


def _error(response: httpx.Response) -> str:
    """Return the message in TensorFlow Serving's form, or whatever a proxy in between said."""
    try:
        return response.json()["error"]
    except (ValueError, LookupError, TypeError):
        return f"HTTP {response.status_code}: {response.text[:200]}"
