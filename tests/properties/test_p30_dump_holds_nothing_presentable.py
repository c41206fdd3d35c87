"""P30: whoever has the store, and not the secrets, has nothing that can be presented.

Real preference sets and made-up documents go in, tokens are added, safes changed, a key revoked;
then the store's bytes, its journal and its dump are searched for every key, token and secret, as
text and in the encodings that such a thing might hide in.
"""

from __future__ import annotations

import base64
import json
import secrets as chance
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from keyin.domain.records import RecordId
from keyin.settings.ports import KeyAndSafe
from keyin.stores.opening import OpenedStore, open_data
from keyin.wire.documents import SafeContent, encode_safe
from tests.fakes.records import NOW, event, key, safe, token
from tests.shared_data import GPII_DATA, needs_shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SITE = "Library of the harbour quarter"
CREATED = "2017-11-21T18:11:22.101Z"


class Canaries:
    """Everything that was ever handed in, and must not be found."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def new(self, kind: str) -> str:
        made = f"{kind}-{chance.token_urlsafe(24)}"
        self.all.append(made)
        return made


def _documents(canaries: Canaries) -> list[dict[str, object]]:
    people = [(canaries.new("key"), canaries.new("preference")) for _ in range(20)]
    made: list[dict[str, object]] = [
        {"_id": "site-1", "type": "gpiiAppInstallationClient", "name": SITE},
        {
            "_id": "credential-1",
            "type": "clientCredential",
            "clientId": "site-1",
            "oauth2ClientId": "harbour",
            "oauth2ClientSecret": canaries.new("secret"),
            "revoked": False,
        },
    ]
    for person, preference in people:
        preferences = {"flat": {"contexts": {"gpii-default": {"preferences": {"x": preference}}}}}
        made += [
            {
                "_id": f"prefsSafe-{person}",
                "type": "prefsSafe",
                "prefsSafeType": "user",
                "name": person,
                "email": canaries.new("mail"),
                "preferences": preferences,
            },
            {"_id": person, "type": "gpiiKey", "prefsSafeId": f"prefsSafe-{person}"},
            {
                "_id": f"grant-{person}",
                "type": "gpiiAppInstallationAuthorization",
                "clientId": "site-1",
                "clientCredentialId": "credential-1",
                "gpiiKey": person,
                "accessToken": canaries.new("token"),
                "revoked": False,
                "timestampCreated": CREATED,
                "timestampExpires": "3019-01-01T00:00:00.000Z",
            },
        ]
    return made


async def _use(opened: OpenedStore, canaries: Canaries) -> None:
    """Do what a cloud does: issue tokens, make a key and a safe, revoke."""
    store, secrets = opened.store, opened.secrets
    for _ in range(50):
        digest = secrets.digests("token", canaries.new("token"))[0]
        await store.add_token(token(digest), event=event())
    made = canaries.new("key")
    digest = secrets.digests("key", made)[0]
    content = SafeContent(name=made, preferences={"flat": {"x": canaries.new("preference")}})
    person = KeyAndSafe(
        key=key(digest, sealed=secrets.seal(made.encode(), digest)),
        safe=safe(sealed=secrets.seal(encode_safe(content), "s_1")),
    )
    await store.change_safe([digest], lambda _: person)
    await store.revoke_key([digest], reason="lost", now=NOW, event=event())
    await store.revoke_client(RecordId("site-1"), now=NOW, event=event())


def _forms(text: str) -> Iterator[bytes]:
    raw = text.encode()
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")
    for lead in range(3):  # base64 of a text depends on where in its triple it begins
        inner = base64.b64encode(b"\0" * lead + raw)[4 if lead else 0 : -4]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def _everything(data: Path) -> bytes:
    files = b"".join(path.read_bytes() for path in sorted(data.glob("keyin.*")))
    connection = sqlite3.connect(data / "keyin.sqlite3")
    dump = "\n".join(connection.iterdump()).encode()
    blobs = b"".join(
        row[0]
        for table in ("keys", "safes")
        for row in connection.execute(f"SELECT sealed FROM {table}")  # noqa: S608 - two names of ours
    )
    connection.close()
    return files + dump + blobs


def _import(data: Path, *paths: Path | str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "keyin", "cloud", "import", "--data", data, "--json", *paths],
        capture_output=True,
        check=True,
        timeout=60,
    )
    report: dict[str, object] = msgspec.json.decode(done.stdout)
    return report


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


async def test_p30_dump_holds_nothing_presentable(tmp_path: Path, canaries: Canaries) -> None:
    data = tmp_path / "data"
    (tmp_path / "documents.json").write_text(json.dumps({"docs": _documents(canaries)}))
    report = _import(data, tmp_path / "documents.json")
    assert report["written"] == {
        "clients": 1, "credentials": 1, "safes": 20, "keys": 20, "tokens": 20,
    }  # fmt: skip
    opened = open_data(data, None, exclusive=True)
    await _use(opened, canaries)
    in_use = _everything(data)  # with its journal, as a copy taken while it runs
    opened.close()
    at_rest = _everything(data)
    for haystack in (in_use, at_rest):
        assert SITE.encode() in haystack, "the search finds nothing at all"
        assert not [one for one in canaries.all if any(f in haystack for f in _forms(one))]


@needs_shared
def test_p30_real_preference_sets_leave_no_name_and_no_value(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _import(data, "--as", "snapset", GPII_DATA / "preferences", GPII_DATA / "test-preferences")
    haystack = _everything(data)
    sets = [*GPII_DATA.glob("preferences/*.json5"), *GPII_DATA.glob("test-preferences/*.json5")]
    assert len(sets) == 154
    names = [path.stem for path in sets if len(path.stem) >= 8]
    assert not [name for name in names if name.encode() in haystack]
    assert b"registry.gpii.net" not in haystack
    assert b"gpii-default" in haystack, "the search finds nothing at all"


def test_p30_the_search_would_find_each_form() -> None:
    canary = "key-Zm9vYmFyYmF6cXV4"
    for lead in range(3):
        hidden = base64.b64encode(b"\1" * lead + canary.encode() + b"tail")
        assert any(form in hidden for form in _forms(canary))
    for hidden in (canary.encode().hex().encode(), canary.encode("utf-16-le"), canary.encode()):
        assert any(form in hidden for form in _forms(canary))
