"""This machine is called directly whatever the environment says; other machines through the proxy that it names."""

import os
from urllib.request import urlopen

import grpc
import httpx
import pytest

from components.shared import network
from components.shared.errors import BadConfig
from tests.proxies import proxy
from tests.stubs import answering, saying

HERE = ["127.0.0.1", "localhost", "LOCALHOST", "a.localhost", "127.1.2.3", "::1", "[::1]", "0.0.0.0"]  # noqa: S104
FOREIGN = "http://model-server.invalid:8501"


@pytest.fixture
def environment(monkeypatch):
    """Sets variables, and those of proxies to nothing else."""

    def of(**variables: str) -> None:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            monkeypatch.delenv(name)
        for name, value in {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "", **variables}.items():
            monkeypatch.setenv(name, value)

    return of


def test_what_is_this_machine():
    assert [host for host in HERE if not network.is_here(host)] == []
    assert [host for host in ("10.0.0.1", "localhost.com", "example.com", "", "::2") if network.is_here(host)] == []


@pytest.mark.parametrize("hangs", [False, True], ids=["refuses", "hangs"])
def test_a_call_to_this_machine_goes_through_no_proxy(environment, hangs):
    with proxy(hangs=hangs) as black_hole, answering(saying(b"here")) as server:
        environment(**black_hole.environment())
        url = f"http://127.0.0.1:{server.server_port}"
        with network.web(url, 5) as web:
            assert web.get("/").text == "here"
        network.spare_this_machine()
        for library in (lambda: httpx.get(url).text, lambda: urlopen(url).read().decode()):
            assert library() == "here"
        assert black_hole.asked == []


def test_grpc_to_this_machine_goes_through_no_proxy(environment):
    """gRPC's own way to say that nobody is there is what we want to hear: not the proxy's."""
    with proxy() as black_hole:
        environment(**black_hole.environment())
        options = network.grpc_options("127.0.0.1:1")
        with grpc.insecure_channel("127.0.0.1:1", options) as channel, pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            channel.unary_unary("/a/b")(b"", timeout=5)
        assert black_hole.asked == []
        foreign = "model-server.invalid:1"
        with grpc.insecure_channel(foreign, network.grpc_options(foreign)) as channel, pytest.raises(grpc.RpcError):
            channel.unary_unary("/a/b")(b"", timeout=5)
        assert black_hole.asked[0] == "CONNECT model-server.invalid:1 HTTP/1.1"


def test_a_call_to_another_machine_goes_through_the_proxy_that_is_named(environment):
    with proxy() as black_hole:
        environment(HTTP_PROXY=black_hole.url, NO_PROXY="[::1], .internal")
        network.spare_this_machine()
        with network.web(FOREIGN, 5) as web:
            assert (web.get("/v1").status_code, black_hole.asked) == (403, [f"GET {FOREIGN}/v1 HTTP/1.1"])
        assert network.via(FOREIGN) == f" through the proxy {black_hole.url} (HTTP_PROXY)"
        assert network.via("http://a.internal") == network.via("https://model-server.invalid") == ""


@pytest.mark.parametrize(
    ("given", "exempt"),
    [
        ({}, "localhost,127.0.0.1,::1"),
        ({"no_proxy": "a, [::1],[2001:db8::1]"}, "a,::1,2001:db8::1,localhost,127.0.0.1"),
        ({"NO_PROXY": "b,127.0.0.1"}, "b,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "b", "no_proxy": "a"}, None),
        ({"NO_PROXY": "*"}, "*"),
    ],
)
def test_what_is_exempt_already_stays_so(environment, given, exempt):
    environment(http_proxy="http://proxy:1", **given)
    network.spare_this_machine()
    for name in network.EXEMPTIONS:
        assert os.environ[name] == (exempt or f"{given[name]},localhost,127.0.0.1,::1")
    httpx.Client().close()  # which takes what is in these variables for addresses


def test_without_a_proxy_the_environment_is_left_alone(environment):
    environment()
    before = dict(os.environ)
    network.spare_this_machine()
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ALL_PROXY": "socks5://me:secret@proxy:1080"}, r"^ALL_PROXY is socks5://\*\*\*@proxy:1080; expected an HTTP proxy"),
        ({"http_proxy": "ftp://proxy"}, r"^http_proxy is ftp://proxy; expected an HTTP proxy"),
        ({"HTTP_PROXY": "http://proxy:port"}, r"^HTTP_PROXY is http://proxy:port, which is no address of a proxy"),
        (
            {"http_proxy": "http://[::1"},
            r"^http_proxy is http://\[::1, which is no address of a proxy\. Expected .*http_proxy=http://",
        ),
        ({"http_proxy": "http://"}, r"^http_proxy is http://, which is no address of a proxy"),
        (
            {"http_proxy": "me:se/cret@proxy"},
            r"^http_proxy is \*\*\*@proxy, which is no address of a proxy\. Expected a host and",
        ),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_where_it_is_needed(environment, variables, said):
    environment(**variables)
    with pytest.raises(BadConfig, match=said):
        network.web(FOREIGN, 5)
    network.web("http://127.0.0.1:8501", 5).close()
    environment(**variables, NO_PROXY="model-server.invalid")
    network.web(FOREIGN, 5).close()


@pytest.mark.parametrize("scheme", ["grpc", "https"])
def test_a_malformed_proxy_is_named_for_each_scheme(environment, scheme):
    environment(**{f"{scheme}_proxy": "http://[::1"})
    with pytest.raises(BadConfig, match=rf"^{scheme}_proxy is http://\[::1, which is no address"):
        network.via(f"{scheme}://model-server.invalid")
    assert network.via("http://model-server.invalid") == network.via(f"{scheme}://127.0.0.1:8500") == ""


@pytest.mark.parametrize("given", ["http://me:secret@proxy:1", "http://me:se@cret@proxy:1", "me:se@cret@proxy:1"])
def test_no_part_of_a_password_is_said(environment, given):
    environment(http_proxy=given)
    assert network.via(FOREIGN) == " through the proxy http://***@proxy:1 (http_proxy)"


@pytest.mark.parametrize("host", ["model-server.invalid", "[2001:db8::1]"])
def test_an_exemption_may_name_the_port(environment, host):
    with proxy() as black_hole:
        environment(**black_hole.environment() | {"no_proxy": f"{host}:8501"})
        assert network.via(f"http://{host}:8501") == network.via(f"grpc://{host}:8501") == ""
        assert network.via(f"http://{host}:8502").endswith(" (http_proxy)")
        assert network.via(f"grpc://{host}:8500").endswith(" (grpc_proxy)")
        options = network.grpc_options(f"{host}:8501")
        with grpc.insecure_channel(f"{host}:8501", options) as channel, pytest.raises(grpc.RpcError):
            channel.unary_unary("/a/b")(b"", timeout=5)
        assert black_hole.asked == []


def test_certificates_that_cannot_be_used_are_named_where_they_are_needed(environment, tmp_path):
    (tmp_path / "none.pem").write_text("nonsense")
    for name, why in (("missing.pem", "No such file"), ("none.pem", "NO_CERTIFICATE_OR_CRL_FOUND|no start line")):
        environment(SSL_CERT_FILE=str(tmp_path / name))
        with pytest.raises(BadConfig, match=rf"^SSL_CERT_FILE is {tmp_path / name}, which cannot be used: .*({why})"):
            network.web("https://model-server.invalid", 5)
        network.web(FOREIGN, 5).close()
    environment(SSL_CERT_FILE=str(tmp_path / "missing.pem"), HTTPS_PROXY="http://proxy:3128")
    with pytest.raises(BadConfig, match=r"^SSL_CERT_FILE is "):
        network.web("https://model-server.invalid", 5)
    environment(REQUESTS_CA_BUNDLE=str(tmp_path / "missing.pem"))
    with pytest.raises(BadConfig, match=r"^REQUESTS_CA_BUNDLE is .*missing\.pem, which cannot be used"):
        network.check_for_requests("https://storage.googleapis.com")


def test_the_proxy_of_grpc_is_what_its_library_reads(environment):
    environment(http_proxy="http://a:1", HTTPS_PROXY="http://b:1", ALL_PROXY="socks5://c:1")
    assert network.via("grpc://model-server.invalid:8500") == " through the proxy http://a:1 (http_proxy)"
    assert network.via("grpc://localhost:8500") == network.via("localhost:8888") == ""
    assert network.proxy("model-server.invalid:8888") == ("http://a:1", "http_proxy")
