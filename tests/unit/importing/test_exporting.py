"""What goes out of a store, and what comes of it when it is taken in elsewhere."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from keyin.cloud.exporting import documents as exported
from keyin.domain.key_policy import OPEN
from keyin.domain.records import NO_SECRET, ClientKind, Status
from keyin.oauth.administration_ports import Word
from keyin.oauth.ports import Enrolment
from keyin.wire.documents import millis
from tests.fakes.records import LINEAGE, event
from tests.fakes.records import client as client_record
from tests.fakes.records import credential as credential_record
from tests.fakes.records import key as key_record
from tests.unit.importing.documents import authorization, client, credential, key, safe
from tests.unit.importing.world import NOW, UNTIL, Cloud


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


async def test_export_and_import_keep_people_and_clients(cloud: Cloud) -> None:
    await cloud.take(
        client(), credential(), key(), safe(), authorization(), key("bo", revoked=True)
    )
    first = [one async for one in exported(cloud.store, cloud.secrets)]
    other = Cloud()
    report = await other.take(*first)
    assert ["no client secret" in str(one.reason) for one in report.refusals] == [True]
    second = [one async for one in exported(other.store, other.secrets)]
    kept = [one for one in first if one["type"] != "clientCredential"]
    assert second == kept
    for original in (client(), key(), safe()):
        assert any(original.items() <= one.items() for one in kept)


async def test_an_export_holds_no_secret_and_no_token(cloud: Cloud) -> None:
    await cloud.take(client(), credential(), key(), safe(), authorization("token-1"))
    text = str([one async for one in exported(cloud.store, cloud.secrets)])
    assert "anna" in text
    assert "not so secret" not in text
    assert "token-1" not in text
    assert cloud.secrets.digests("secret", "not so secret")[0] not in text


async def test_a_safe_of_our_own_keeps_its_id_through_export_and_import(cloud: Cloud) -> None:
    id_ = "s_" + "0" * 32
    await cloud.take(key(prefsSafeId=id_), safe(id_))
    found = await cloud.store.find_safe(cloud.secrets.digests("key", "anna"))
    assert found is not None
    assert found.safe is not None
    assert found.safe.id == id_
    ids = [one["_id"] async for one in exported(cloud.store, cloud.secrets)]
    assert ids == [id_, "anna"]


async def test_what_an_export_says_of_a_client_is_kept(cloud: Cloud) -> None:
    until = "2026-12-01T00:00:00.000Z"
    await cloud.take(
        client("a", legacyUntil=until, site="Main hall"),
        client("b", legacyUntil=None, site=["Main hall"]),
        client("c", legacyUntil="soon", site="a\nb"),
        client("d"),
    )
    kept = {one.id: one async for one in cloud.store.all_clients()}
    assert [one.legacy_until for one in kept.values()] == [millis(until), None, None, UNTIL]
    assert [one.lineage.site for one in kept.values()] == ["Main hall", None, None, None]


async def test_a_key_with_a_policy_does_not_come_back_without_it(cloud: Cloud) -> None:
    assert "PIN or limits" in await cloud.refusal(safe(), key(keyinLimited=True))
    assert await cloud.store.find_key(cloud.secrets.digests("key", "anna")) is None


async def test_an_export_takes_its_secrets_from_the_originals_documents(cloud: Cloud) -> None:
    narrow = credential(allowedIPBlocks=["10.0.0.0/8"])
    await cloud.take(client(), narrow, credential("gone", oauth2ClientId="gone", revoked=True))
    out = [one async for one in exported(cloud.store, cloud.secrets)]
    other = Cloud()
    old = [credential(), credential("gone", oauth2ClientId="gone"), client()]
    report = await other.take(*out, *old)
    assert report.refusals == []
    found, gone = [await other.store.find_credential(name) for name in ("harbour", "gone")]
    assert found is not None
    assert gone is not None
    assert found[0].secret_digest == other.secrets.digests("secret", "not so secret")[0]
    assert found[0].policy.networks == ("10.0.0.0/8",)
    assert (found[0].status, gone[0].status) == (Status.ACTIVE, Status.REVOKED)


async def test_an_export_says_what_counts_and_leaves_applications_out(cloud: Cloud) -> None:
    desk = client_record("desk", lineage=replace(LINEAGE, site="main hall"))
    await cloud.store.enrol(
        Enrolment(
            clients=[
                desk,
                client_record("app", kind=ClientKind.APPLICATION),
                client_record("with a key"),
            ],
            credentials=[
                credential_record("c", client_id="app"),
                credential_record("k", client_id="with a key", secret_digest=NO_SECRET),
            ],
            keys=[key_record(sealed=cloud.secrets.seal(b"bo", "p:k1"), policy=OPEN)],
        ),
        event=event(),
    )
    word = Word(status=Status.SUSPENDED, reason=None, now=NOW, event=event())
    await cloud.store.set_site("main hall", word, ending=True)
    left_out: list[str] = []
    out = [one async for one in exported(cloud.store, cloud.secrets, left_out.append)]
    assert [one["_id"] for one in out] == ["desk", "bo"]
    assert (out[0]["revoked"], out[1]["keyinLimited"]) == (True, True)
    assert left_out == ["app", "with a key"]
