"""Proxies that let nobody through, and an environment that names them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")


class Proxy:
    """A listener that notes the first line of what it is asked.

    Attributes:
        url: of the proxy.
        asked: first lines, in order.
    """

    def __init__(self, listener: socket.socket, hangs: bool):
        self._listener, self._hangs = listener, hangs
        self.url = "http://{}:{}".format(*listener.getsockname())
        self.asked: list[str] = []
        self._held: list[socket.socket] = []

    def run(self) -> None:
        """Until the listener is closed."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection if not self._hangs else socket.socket():
                connection.settimeout(5)
                self.asked.append(connection.recv(200).partition(b"\r\n")[0].decode(errors="replace"))
                if self._hangs:
                    self._held.append(connection)
                else:
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\nConnection: close\r\n\r\nblackhole")

    def environment(self) -> dict[str, str]:
        """Variables that send everything through the proxy, whatever library reads them; nobody is exempt."""
        variables = dict.fromkeys(VARIABLES, self.url) | {"no_proxy": ""}
        return variables | {name.upper(): value for name, value in variables.items()}


@contextmanager
def proxy(*, hangs: bool = False) -> Iterator[Proxy]:
    """A proxy on a free port that refuses whatever it is asked, or never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Proxy(listener, hangs)
        threading.Thread(target=made.run, daemon=True).start()
        try:
            yield made
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in made._held:
                connection.close()
