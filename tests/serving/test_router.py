"""The canary overlay's router: a real nginx with its configuration, before a stub that says what it was asked."""

import shutil
import subprocess
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from conftest import REPOSITORY

from components.canary.server import free_ports

CONF = REPOSITORY / "serving" / "k8s" / "overlays" / "canary" / "router.conf"
pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed (Debian: nginx-light)")


class Echo(BaseHTTPRequestHandler):
    """Answers with the path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an ACK

    def log_message(self, *_):
        """Says nothing."""

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    """The address of an nginx before an Echo."""
    folder = tmp_path_factory.mktemp("nginx")
    stub = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=stub.serve_forever)
    thread.start()
    port, _ = free_ports()
    conf = CONF.read_text().replace("model-server:8501", f"127.0.0.1:{stub.server_port}")
    (folder / "router.conf").write_text(conf.replace("listen 8080", f"listen 127.0.0.1:{port}"))
    paths = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error; events {{}} http {{ {paths} include {folder}/router.conf; }}"
    )
    process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf", "-e", folder / "error"], stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                httpx.get(f"{address}/healthz")
                break
            except httpx.TransportError:
                assert process.poll() is None, (folder / "error").read_text()
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait()
        stub.shutdown()
        thread.join()
        stub.server_close()


def test_one_request_in_ten_goes_to_the_canary(router):
    with httpx.Client() as client:
        asked = Counter(client.post(f"{router}/v1/models/parcels:predict", content=b"{}").text for _ in range(1000))
    assert asked.keys() == {f"/v1/models/parcels/labels/{label}:predict" for label in ("stable", "canary")}
    assert 60 < asked["/v1/models/parcels/labels/canary:predict"] < 145, "ten in a hundred, five standard deviations"


@pytest.mark.parametrize(
    "path",
    ["/v1/models/parcels", "/v1/models/parcels/versions/3:predict", "/v1/models/parcels/labels/stable:predict"],
)
def test_all_else_is_passed_on(router, path):
    assert httpx.post(f"{router}{path}", content=b"{}").text == path


def test_health_is_the_routers_own(router):
    assert httpx.get(f"{router}/healthz").text == "ok\n"
