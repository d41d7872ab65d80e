"""The client over REST. Imports no TensorFlow."""

import json
from typing import Any

import httpx
import numpy as np

from serving.client import SIGNATURE, Client, Target
from serving.refused import HTTP, Refused, StatusCode

CODES = {status: code for code, status in reversed(HTTP.items())}


class RestClient(Client):
    """Over JSON."""

    def __init__(self, target: Target):
        super().__init__(target)
        where = f"/versions/{target.version}" if target.version is not None else ""
        self._path = f"/v1/models/{target.model}" + (where or (f"/labels/{target.label}" if target.label else ""))
        self._web = httpx.Client(base_url=target.url, timeout=target.seconds)

    def _predict(self, given: dict[str, np.ndarray]) -> np.ndarray:
        body = {"signature_name": SIGNATURE, "inputs": {name: column.tolist() for name, column in given.items()}}
        return np.array(self._ask("POST", ":predict", json.dumps(body))["outputs"], np.float32)

    def _ask_inputs(self) -> dict[str, str]:
        signatures = self._ask("GET", "/metadata")["metadata"]["signature_def"]["signature_def"]
        return {name: tensor["dtype"] for name, tensor in signatures[SIGNATURE]["inputs"].items()}

    def _states(self) -> dict[int, str]:
        return {int(status["version"]): status["state"] for status in self._ask("GET", "")["model_version_status"]}

    def _ask(self, method: str, what: str, body: str | None = None) -> Any:
        try:
            response = self._web.request(method, self._path + what, content=body)
        except httpx.TimeoutException as error:
            raise Refused(
                StatusCode.DEADLINE_EXCEEDED, f"{self.target.url}: no answer within {self.target.seconds:g} s."
            ) from error
        except httpx.TransportError as error:
            raise Refused(StatusCode.UNAVAILABLE, f"{self.target.url} cannot be reached: {error}") from error
        if response.is_error:
            raise Refused(CODES.get(response.status_code, StatusCode.UNKNOWN), _error(response))
        return json.loads(response.text)

    def close(self) -> None:
        self._web.close()


def _error(response: httpx.Response) -> str:
    """The message in TensorFlow Serving's form, or whatever a proxy in between has said."""
    try:
        return response.json()["error"]
    except (ValueError, LookupError, TypeError):
        return f"HTTP {response.status_code}: {response.text[:200]}"
