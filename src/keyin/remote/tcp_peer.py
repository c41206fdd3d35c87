"""Whose process is at the other end of a loopback TCP connection, as the kernel's tables say.

Linux: `/proc/net/tcp` and `tcp6`. A connection that is not found there, or not established, has no
known owner. Not for connections that leave this computer.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final

_ESTABLISHED: Final = "01"
_LOCAL, _REMOTE, _STATE, _UID = 1, 2, 3, 7  # columns
_TABLES: Final = {
    socket.AF_INET: Path("/proc/net/tcp"),
    socket.AF_INET6: Path("/proc/net/tcp6"),
}
_LOOKS: Final = 3
"""The kernel writes a table piece by piece: while others come and go, a line can be missed."""

Address = tuple[str, int]


def uid_of_peer(family: int, *, ours: Address, theirs: Address) -> int | None:
    """Return the uid that owns the other end, None where the kernel does not say."""
    table = _TABLES.get(socket.AddressFamily(family))
    if table is None:
        return None
    # Seen from the other end: its local address is the one that is remote to us.
    wanted = _as_in_table(theirs), _as_in_table(ours), _ESTABLISHED
    for _ in range(_LOOKS):
        uid = _uid_in(table, wanted)
        if uid is not None:
            return uid
    return None


def _uid_in(table: Path, wanted: tuple[str, str, str]) -> int | None:
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return None
    for line in lines:
        columns = line.split()
        if (columns[_LOCAL], columns[_REMOTE], columns[_STATE]) == wanted:
            return int(columns[_UID])
    return None


def _as_in_table(address: Address) -> str:
    """Write an address as the tables do: words of four bytes in the machine's own order."""
    host, port = address
    packed = IPv6Address(host).packed if ":" in host else socket.inet_aton(host)
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"
