"""A stub of Google Cloud Storage: objects with generations, in memory, over the JSON protocol that its client speaks."""

import email
import email.policy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

from tests.stubs import answering


class Handler(BaseHTTPRequestHandler):
    """One request; the objects are the server's."""

    objects: dict[str, tuple[bytes, int]]

    def log_message(self, *_):
        """Says nothing."""

    def _target(self) -> tuple[str, dict[str, str]]:
        url = urlsplit(self.path)
        return unquote(url.path.partition("/o/")[2]), {name: values[0] for name, values in parse_qs(url.query).items()}

    def _answer(self, content: bytes | dict, status: int = 200) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(content, bytes) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, message: str) -> None:
        self._answer({"error": {"code": status, "message": message}}, status)

    def _fits(self, name: str, query: dict[str, str]) -> bool:
        wanted = query.get("ifGenerationMatch")
        if wanted is None or int(wanted) == self.objects.get(name, (b"", 0))[1]:
            return True
        self._refuse(412, "conditionNotMet")
        return False

    def _metadata(self, name: str) -> dict:
        content, generation = self.objects[name]
        return {"name": name, "bucket": "models", "generation": str(generation), "size": str(len(content))}

    def do_GET(self):
        name, query = self._target()
        if not name:
            return self._list(query.get("prefix", ""), query.get("delimiter"))
        if name not in self.objects:
            return self._refuse(404, f"No such object: {name}")
        if query.get("alt") == "media":
            return self._fits(name, query) and self._answer(self.objects[name][0])
        return self._answer(self._metadata(name))

    def _list(self, prefix: str, delimiter: str | None) -> None:
        names = sorted(name for name in self.objects if name.startswith(prefix))
        folders = {prefix + name.removeprefix(prefix).split("/")[0] + "/" for name in names} if delimiter else set()
        self._answer({"prefixes": sorted(folders), "items": [] if delimiter else [self._metadata(name) for name in names]})

    def do_POST(self):
        _, query = self._target()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = email.message_from_bytes(
            b"Content-Type: " + self.headers["Content-Type"].encode() + b"\n\n" + body, policy=email.policy.HTTP
        )
        description, content = message.iter_parts()
        name = json.loads(description.get_payload(decode=True))["name"]
        if self._fits(name, query):
            self.objects[name] = content.get_payload(decode=True), self.objects.get(name, (b"", 0))[1] + 1
            self._answer(self._metadata(name))

    def do_DELETE(self):
        name, query = self._target()
        if self._fits(name, query):
            del self.objects[name]
            self._answer(b"", 204)


@contextmanager
def cloud_storage(objects: dict[str, bytes]) -> Iterator[tuple[str, dict[str, tuple[bytes, int]]]]:
    """Serves a bucket named `models`. Yields the address and the bucket's objects with their generations."""
    held = {name: (content, 1) for name, content in objects.items()}
    with answering(type("Stub", (Handler,), {"objects": held})) as server:
        yield f"http://127.0.0.1:{server.server_port}", held
