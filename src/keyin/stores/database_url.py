"""The URL of a PostgreSQL store: which are taken, and how one is said without what is not for eyes.

`postgresql://USER@HOST:PORT/DATABASE`, several hosts, `?host=/FOLDER/OF/A/SOCKET`,
`?service=NAME`: what libpq and asyncpg take. Never a password: a URL stands in argument lists,
in histories and in logs. It comes from a password file or a service file.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from keyin.domain.errors import ConfigurationError

SCHEMES: Final = ("postgresql", "postgres")
_NOT_IN_A_URL: Final = frozenset({"password", "sslpassword"})


def is_postgres(url: str) -> bool:
    """Tell whether a URL names a PostgreSQL store."""
    return url.partition(":")[0] in SCHEMES


def checked(url: str) -> str:
    """Return the URL. Raises ConfigurationError where it cannot be read, or has a password."""
    try:
        parts = urlsplit(url)
        names = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        known = parts.scheme in SCHEMES and url.startswith(f"{parts.scheme}://")
    except ValueError:
        known, names, parts = False, set(), urlsplit("")
    if not known:
        raise ConfigurationError(
            "the database's URL cannot be read",
            next_step="Give postgresql://USER@HOST:PORT/DATABASE, or sqlite:DIR.",
        )
    if ":" in parts.netloc.rpartition("@")[0] or names & _NOT_IN_A_URL:
        raise ConfigurationError(
            "the database's URL has a password in it: others see it there",
            next_step="Put it into ~/.pgpass or the file that PGPASSFILE names, mode 0600, "
            "or into a service file (?service=NAME), and leave it out of the URL.",
        )
    return url


def each_host(url: str) -> list[str]:
    """Return a URL for each host that one names, so that they can be asked at the same time."""
    parts = urlsplit(url)
    account, at, hosts = parts.netloc.rpartition("@")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    named = query.get("host", "").split(",")
    if "," in hosts:
        return [url.replace(hosts, one, 1) for one in hosts.split(",")]
    if hosts or len(named) == 1:
        return [url]
    ports = query.get("port", "").split(",")
    ports = ports * len(named) if len(ports) == 1 else ports
    place = f"{parts.scheme}://{account}{at}{parts.path}?"
    return [
        place + urlencode({**query, "host": one, **({"port": port} if port else {})})
        for one, port in zip(named, ports, strict=False)
    ]
