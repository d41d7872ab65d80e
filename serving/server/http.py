"""HTTP/1.1 as TensorFlow Serving speaks it: offers to upgrade are ignored, bodies may be gzipped."""

import zlib

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.refused import Refused, StatusCode

HOP = {b"upgrade", b"http2-settings"}  # of the offer, not of the request
GZIP = 16 + zlib.MAX_WBITS


class TooLarge(Refused):
    """The body is over the limit: HTTP 413."""

    def __init__(self, limit: int):
        message = f"The body is over {limit} bytes; the limit is --max_body_mb. Send less."
        super().__init__(StatusCode.RESOURCE_EXHAUSTED, message)


class Http(HttpToolsProtocol):
    """uvicorn's protocol, which ignores the `Upgrade: h2c` that a request offers.

    Java's HttpClient and `curl --http2` offer it with each first request. A server without HTTP/2 answers with HTTP/1.1
    (RFC 9110, 7.8); httptools stops there and takes the body for the other protocol.
    """

    def on_headers_complete(self) -> None:
        """Start the request, unless it will be read again without its offer."""
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the body."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Read more; take out an offer to upgrade, and read the request again."""
        try:
            self._unset_keepalive_if_required()
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.parser.get_method() == b"CONNECT":  # which asks for another protocol and no resource
                self.send_400_response("CONNECT is not supported.")
                return
            head = self._without_offer()
            self.parser = httptools.HttpRequestParser(self)
            self.data_received(head + data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def _without_offer(self) -> bytes:
        """Return the request's head as it came, without the headers of the offer."""
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                value = b",".join(each for each in value.split(b",") if each.strip().lower() not in HOP)  # noqa: PLW2901
            if name not in HOP and value.strip():
                lines.append(b"%s: %s" % (name, value))
        return b"\r\n".join([*lines, b"", b""])


def unzipped(body: bytearray, limit: int) -> bytearray:
    """Unzip a body; empty where it is not gzip, as in TensorFlow Serving. Raises Refused above `limit` bytes."""
    decoder = zlib.decompressobj(GZIP)
    try:
        found = bytearray(decoder.decompress(bytes(body), limit + 1))
    except zlib.error:
        return bytearray()
    if len(found) > limit:
        raise TooLarge(limit)
    return found if decoder.eof else bytearray()
