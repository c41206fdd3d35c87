"""A started cloud whose limits are small, and clients that fail at it on purpose."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from keyin.stores.opening import STORE, open_data
from tests.cloud_documents import SECRET, WHEN, credential, key
from tests.cloud_process import Cloud, Reply, import_documents, serving
from tests.oauth_client import ISSUER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KEYS = [f"key-{number}" for number in range(40)]
WAITING = b'{"error":"rate_limited","error_description":"Too many requests"}'


def site_client(name: str, *, kind: str = "public", **policy: object) -> list[dict[str, Any]]:
    """Return a client with one credential, both of this name."""
    client = {
        "_id": f"client-{name}",
        "type": "gpiiAppInstallationClient",
        "name": name,
        "computerType": kind,
        **WHEN,
    }
    return [client, {**credential(name, **policy), "clientId": f"client-{name}"}]


def store_with(data: Path, *clients: str, more: Sequence[dict[str, Any]] = ()) -> Path:
    """Import these clients, each with a credential of its own, and forty keys."""
    documents = [one for name in clients for one in site_client(name)]
    documents += [key(name, prefsSafeId=None) for name in KEYS]
    documents += [key("gone", prefsSafeId=None, revoked=True), *more]
    assert not import_documents(data, documents).get("refused")
    return data


def suspend_key(data: Path, name: str) -> None:
    """Suspend a key in the store, where no verb does it."""
    opened = open_data(data, None, exclusive=False)
    digest = opened.secrets.digests("key", name)[0]
    opened.close()
    with closing(sqlite3.connect(data / STORE)) as store, store:
        suspending = store.execute(
            "UPDATE keys SET status = 'suspended' WHERE digest = ?", (digest,)
        )
        assert suspending.rowcount == 1


@contextmanager
def limited(data: Path, *arguments: object, **limits: object) -> Iterator[Cloud]:
    """Serve with these limits in place of the configuration's own."""
    file = data.parent / f"{data.name}.toml"
    lines = [f"{name} = {_toml(value)}" for name, value in limits.items()]
    file.write_text("\n".join(["[limits]", *lines]), encoding="utf-8")
    ops = ("--ops-listen", "127.0.0.1:0")
    with serving(
        data, "--config", file, "--issuer", ISSUER, *ops, *arguments, listeners=2
    ) as cloud:
        yield cloud


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {one}" for name, one in value.items()) + " }"
    return str(value)


def ask(cloud: Cloud, gpii_key: str, client: str = "a", **more: str) -> Reply:
    return cloud.token(gpii_key, (client, more.pop("secret", SECRET)), **more)


def statuses(cloud: Cloud, keys: Sequence[str], client: str = "a") -> list[int]:
    return [ask(cloud, one, client).status for one in keys]


def same(one: Reply) -> tuple[int, dict[str, str], bytes]:
    """Return everything of an answer but what is new each time."""
    volatile = {"date", "x-request-id", "dpop-nonce"}
    kept = {name: value for name, value in one.headers.items() if name not in volatile}
    return one.status, kept, one.body


def metric(cloud: Cloud, name: str, kind: str) -> int:
    text = cloud.request("GET", "/metrics", ops=True).body.decode()
    found = re.search(rf'^keyin_{name}_total{{kind="{kind}"}} (\d+)$', text, re.MULTILINE)
    return int(found[1]) if found else 0


def wait_until_written() -> None:
    """Let what was counted reach the disk, which takes a second."""
    time.sleep(1.3)
