"""Where a server listens: `HOST:PORT` with a literal address, or `unix:PATH`."""

from __future__ import annotations

import socket
import stat
from pathlib import Path
from typing import Final

import msgspec

from keyin.domain.errors import ConfigurationError
from keyin.domain.networks import inside, parse_address

LOOPBACK: Final = ("127.0.0.0/8", "::1")
HIGHEST_PORT: Final = 65_535
BACKLOG: Final = 1024


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """One place to listen at."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    @property
    def local(self) -> bool:
        """Tell whether only this computer reaches it."""
        return self.path is not None or inside(parse_address(self.host), LOOPBACK)


def parse_listener(text: str) -> Listener:
    """Read `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`. Raises ConfigurationError."""
    if text.startswith("unix:") and len(text) > len("unix:"):
        return Listener(path=Path(text.removeprefix("unix:")))
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if parse_address(bare) is None or not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise ConfigurationError(
            "%(listen)s is no place to listen at",
            next_step="Give a literal address and a port, such as 127.0.0.1:8081, or unix:PATH.",
            listen=text,
        )
    return Listener(host=bare, port=int(port))


def bind(listener: Listener) -> socket.socket:
    """Bind; an old socket file that nobody answers on is replaced. Raises ConfigurationError."""
    try:
        if listener.path is not None:
            return _bind_unix(listener.path)
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((listener.host, listener.port))
            bound.listen(BACKLOG)
        except BaseException:
            bound.close()
            raise
    except OSError as error:
        raise ConfigurationError(
            "cannot listen at %(place)s: %(reason)s",
            next_step="Choose another address or port, or end the process that has it.",
            place=listener.path or f"{listener.host}:{listener.port}",
            reason=error.strerror or type(error).__name__,
        ) from error
    return bound


def _bind_unix(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode) and not _answers(path):
            path.unlink()
        bound.bind(str(path))
        path.chmod(0o660)
        bound.listen(BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def url(listener: Listener, bound: socket.socket, *, secure: bool) -> str:
    """Name the place as a client would: with the port that was really given."""
    if listener.path is not None:
        return f"unix:{listener.path}"
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{'https' if secure else 'http'}://{host}:{bound.getsockname()[1]}"
