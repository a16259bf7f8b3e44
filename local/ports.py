"""The loopback ports of one platform: a block of 100 from one base.

The block lies below the range from which the kernel takes ports for outgoing connections, so that a
part that restarts finds its own port free. A block that was found free is claimed at once by binding one
port of it: two platforms that start at the same time do not take the same.
"""

import random
import socket
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
DEFAULT_BASE = 17100
BLOCK = 100
_FREE_BASES = range(20_000, 32_000, BLOCK)
#: The port of a block on which nothing listens, and which its claimant binds.
_CLAIM = 3


class PortTaken(RuntimeError):
    """Another process listens on a port that a part needs."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Ports by what listens on them. The emulators of the Lambda functions take the rest of the block."""

    base: int

    @property
    def api(self) -> int:
        return self.base

    @property
    def edge(self) -> int:
        return self.base + 1

    @property
    def functions(self) -> int:
        return self.base + 2

    @property
    def database(self) -> int:
        return self.base + 6

    @property
    def broker(self) -> int:
        return self.base + 14

    @property
    def storage(self) -> int:
        return self.base + 16

    @property
    def cache(self) -> int:
        return self.base + 19

    @property
    def emulators(self) -> range:
        return range(self.base + 20, self.base + BLOCK)

    def named(self) -> dict[str, int]:
        """Every fixed port by the name of its part."""
        return {
            "api": self.api,
            "edge": self.edge,
            "functions": self.functions,
            "database": self.database,
            "broker": self.broker,
            "storage": self.storage,
            "cache": self.cache,
        }

    def check(self) -> None:
        """Raise :class:`PortTaken` that names every taken port, its part and the way out."""
        taken = [f"{port} ({name})" for name, port in self.named().items() if not is_free(port)]
        if taken:
            raise PortTaken(
                f"Already taken on {LOOPBACK}: {', '.join(taken)}. "
                f"Choose another block of {BLOCK} ports with --port-base N or PRENSA_PORT_BASE=N; "
                "--port-base 0 finds a free one."
            )


def choose_ports(base: int) -> Ports:
    """The block at ``base``; 0 finds one in which every fixed port is free, for this process until its end.

    Raises ValueError for a base whose block is not inside 1024 to 65535, and :class:`PortTaken`.
    """
    if base == 0:
        for candidate in random.sample(_FREE_BASES, len(_FREE_BASES)):
            ports = Ports(base=candidate)
            if _claim(ports) and all(is_free(port) for port in ports.named().values()):
                return ports
        raise PortTaken(f"No block of {BLOCK} ports is free on {LOOPBACK}.")
    if not 1024 <= base <= 65_536 - BLOCK:
        raise ValueError(f"The port base must be 0 or between 1024 and {65_536 - BLOCK}, got {base}.")
    return Ports(base=base)


def _claim(ports: Ports) -> bool:
    """Whether the block is this process's now, for as long as it lives."""
    with socket.socket() as claim:
        try:
            claim.bind((LOOPBACK, ports.base + _CLAIM))
        except OSError:
            return False
        # Stays open: the kernel closes it when this process ends, however it ends.
        claim.detach()
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections that are closing must not count as a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
