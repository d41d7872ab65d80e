"""Clients in other languages, as they are made by default: Java's and curl's offer HTTP/2 with their first request."""

import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.serving.conftest import body
from tests.serving.servers import MODEL

PATH = f"/v1/models/{MODEL}:predict"
NODE = """
(async () => {
  const body = require("fs").readFileSync(process.argv[2]);
  for (let time = 0; time < 2; time++) {
    const response = await fetch(process.argv[1], {method: "POST", body});
    console.log(response.status, await response.text());
  }
})()
"""
COMMANDS = {
    "java": lambda url, file: ["java", str(Path(__file__).with_name("elsewhere") / "Ask.java"), url, file],
    "node": lambda url, file: ["node", "--eval", NODE, url, file],
    "curl": lambda url, file: ["curl", "-sS", "--http2", "--data-binary", f"@{file}", url],
    "curl in parts": lambda url, file: ["curl", "-sS", "--http2", "-H", "Transfer-Encoding: chunked", "-d", f"@{file}", url],
}


@pytest.mark.parametrize("client", COMMANDS)
def test_a_client_of_another_language_is_answered(server, rows, scores, tmp_path, client):
    file = tmp_path / "request.json"
    file.write_text(body(signature_name="raw", instances=rows))
    command = COMMANDS[client](f"http://{server.rest}{PATH}", str(file))
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    found = [json.loads(line[line.index("{") : line.rindex("}") + 1]) for line in said.splitlines() if "{" in line]
    assert len(found) == (1 if "curl" in client else 2), said
    for each in found:
        assert each["predictions"] == pytest.approx(scores.tolist(), abs=1e-6)


OFFER = b"Connection: keep-alive, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"


def received(connection, answers):
    data = b""
    while data.count(b"HTTP/1.1 ") < answers or not data.endswith(b"}"):
        part = connection.recv(65536)
        assert part, data
        data += part
    return data


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_an_offer_to_upgrade_is_passed_over_however_it_is_cut(server, rows, size):
    """RFC 9110, 7.8; libevent, which TensorFlow Serving's REST API is made with, knows no HTTP/2."""
    content = body(signature_name="raw", instances=rows[:1]).encode()
    head = b"POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n"
    offered, plain = (head % (PATH.encode(), offer, len(content)) + content for offer in (OFFER, b""))
    status = b"GET /v1/models/%s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (MODEL.encode(), OFFER)
    sent = offered + plain + offered + status
    host, port = server.rest.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(sent), size):
            connection.sendall(sent[start : start + size])
        data = received(connection, 4)
    assert data.count(b"HTTP/1.1 200 OK") == 4, data
    assert data.count(b'"predictions"') == 3


def test_what_is_no_request_is_refused(server):
    host, port = server.rest.split(":")
    for sent in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"nonsense\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(sent)
            assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
