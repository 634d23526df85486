"""A network between a client and a service that cuts long answers, or changes a byte of them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class FaultyNetwork:
    """Listens at `port`. What clients have sent is kept in `sent`, a connection an entry.

    `cut_after` bytes of an answer its connection is cut; the byte `changed` of each long answer
    comes as another. `answered` are the bytes that came back, of all connections.
    """

    def __init__(self, listener: socket.socket, target: int) -> None:
        self.port: int = listener.getsockname()[1]
        self.cut_after: int | None = None
        self.changed: int | None = None
        self.cuts = 0
        self.answered = 0
        self.sent: list[bytearray] = []
        self._listener = listener
        self._target = target

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            kept = bytearray()
            self.sent.append(kept)
            threading.Thread(target=self._up, args=(client, server, kept), daemon=True).start()
            threading.Thread(target=self._down, args=(server, client), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket, kept: bytearray) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                kept += data
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := server.recv(65536):
                if self.cut_after is not None and passed + len(data) > self.cut_after:
                    self.cuts += 1
                    break
                if self.changed is not None and passed <= self.changed < passed + len(data):
                    place = self.changed - passed
                    data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
                client.sendall(data)
                passed += len(data)
                self.answered += len(data)
        for each in (client, server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def faulty_network_to(target: int) -> Iterator[FaultyNetwork]:
    """Between a free port and the server at the port `target`, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    network = FaultyNetwork(listener, target)
    thread = threading.Thread(target=network.serve, daemon=True)
    thread.start()
    try:
        yield network
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)
