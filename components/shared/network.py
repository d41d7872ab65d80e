"""Decide which calls use a proxy: those to other machines as the environment says, those to this one never."""

import contextlib
import ipaddress
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from components.shared.errors import BadConfig

if TYPE_CHECKING:  # 0.2 s, which a command that makes no call need not wait for
    import ssl

    import httpx

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
EXEMPTIONS = ("no_proxy", "NO_PROXY")  # some libraries read the one, some the other
GRPC = ("grpc_proxy", "https_proxy", "http_proxy")  # what its library reads, in this order and spelling
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def spare_this_machine() -> None:
    """Exempt this machine from the environment's proxies, for every library here and every process started from here.

    A host in brackets, as URLs write IPv6 addresses, loses them: libraries know it without, and httpx fails on them.
    """
    if not getproxies_environment():
        return
    exempt = next(filter(None, map(os.environ.get, EXEMPTIONS)), "")
    names = [*EXEMPTIONS, *(["no_grpc_proxy"] if "no_grpc_proxy" in os.environ else [])]  # gRPC asks that one first
    for name, given in {name: os.environ.get(name) or exempt for name in names}.items():
        hosts = [re.sub(r"^\[(.*)\]$", r"\1", host.strip()) for host in given.split(",")]
        os.environ[name] = ",".join(dict.fromkeys(filter(None, [*hosts, *THIS_MACHINE]))) if "*" not in hosts else "*"


def is_here(host: str) -> bool:
    """Tell whether a host's name or address is this machine's own, as on every machine."""
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host.strip("[]"))
        return address.is_loopback or address.is_unspecified
    return host.lower() == "localhost" or host.lower().endswith(".localhost")


def grpc_options(address: str) -> list[tuple[str, int]]:
    """Return the options of a gRPC channel to host:port: unless told otherwise, gRPC reads the environment by itself."""
    return [("grpc.enable_http_proxy", 0)] if _direct(urlsplit(f"//{address}")) else []


def _direct(parts: SplitResult) -> bool:
    """Tell whether a call needs no proxy: an exemption is a host, with or without its port."""
    host = parts.hostname or ""
    return is_here(host) or any(map(proxy_bypass, (host, parts.netloc.rpartition("@")[2])))


def proxy(url: str) -> tuple[str, str] | None:
    """Return the proxy between here and a URL, and the variable that names it; None: there is none.

    For a grpc:// URL, gRPC reads variables of its own; without a scheme it is http://. Raises BadConfig, which names the
    variable, if the proxy is of a kind that nothing here speaks, or not an address.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if _direct(parts):
        return None
    others = (f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    names = GRPC if parts.scheme == "grpc" else others
    name = next((name for name in names if os.environ.get(name)), "")
    return (_usable(name, os.environ[name]), name) if name else None


def _usable(name: str, given: str) -> str:
    address = given if "://" in given else f"http://{given}"
    try:
        parts = urlsplit(address)
        known = parts.hostname is not None and parts.port != 0
    except ValueError:  # an unpaired bracket, a port that is no number
        raise _no_address(name, given) from None
    if parts.scheme not in ("http", "https"):
        raise BadConfig(
            f"{name} is {masked(given)}; expected an HTTP proxy, as in {name}=http://proxy:3128: SOCKS is not spoken here. "
            f"Set it so, unset it, or name hosts that need no proxy in NO_PROXY."
        )
    if not known:
        raise _no_address(name, given)
    return address


def _no_address(name: str, given: str) -> BadConfig:
    """Make the error without the words of the parser: they may quote a part of the password."""
    return BadConfig(
        f"{name} is {masked(given)}, which is no address of a proxy. Expected a host and its port, as in "
        f"{name}=http://proxy:3128. Set it so, unset it, or name hosts that need no proxy in NO_PROXY."
    )


def masked(address: str) -> str:
    """Return a proxy's address without the name and password that may be in it, which may have an @ or a / themselves."""
    return re.sub(r"^([^/@]*//)?.*@", r"\1***@", address, flags=re.DOTALL)


def via(url: str) -> str:
    """Word the proxy for a message: " through the proxy http://proxy:3128 (HTTP_PROXY)"; empty: none."""
    found = proxy(url)
    return f" through the proxy {masked(found[0])} ({found[1]})" if found else ""


def web(url: str, seconds: float) -> "httpx.Client":
    """Make an HTTP client for a URL and what is below it.

    Raises httpx.InvalidURL, or BadConfig, which names the variable, for a proxy or certificates that cannot be used.
    """
    import httpx  # noqa: PLC0415

    scheme = httpx.URL(url).scheme
    between = proxy(url)
    secure = scheme == "https" or (between is not None and between[0].startswith("https"))
    verify = _certificates() if secure else True
    try:
        return httpx.Client(
            base_url=url,
            timeout=seconds,
            trust_env=False,  # else its proxies are set up, or fail to be, for a call to this machine too
            proxy=between[0] if between else None,
            verify=verify,
        )
    except (ValueError, httpx.InvalidURL) as error:
        if not between:
            raise
        raise _no_address(between[1], between[0]) from error


def _certificates() -> "ssl.SSLContext":
    import httpx  # noqa: PLC0415

    try:
        return httpx.create_ssl_context()  # which reads the environment
    except OSError as error:  # ssl.SSLError is one
        name = next(name for name in CERTIFICATES if os.environ.get(name))
        raise _no_certificates(name, str(error)) from error


def _no_certificates(name: str, why: str) -> BadConfig:
    return BadConfig(
        f"{name} is {os.environ[name]}, which cannot be used: {why}. Expected certificates in PEM format; correct the variable "
        "or unset it."
    )


def check_for_requests(url: str) -> None:
    """Raise BadConfig, as `web`, for a library that calls a URL by `requests`, as Google's: it would end in a traceback."""
    proxy(url)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if (path := os.environ.get(name)) and not os.access(path, os.R_OK):
            raise _no_certificates(name, "it cannot be read")
