"""The administrator's vocabulary, enumerated; and what it answers over a store in memory."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyin.cloud.administering import administration
from keyin.domain.applications import AuthMethod
from keyin.domain.environment import Millis
from keyin.domain.errors import Refused
from keyin.domain.records import NO_SECRET, ClientKind, Digest, RecordId, Status
from keyin.oauth.admin_client_keys import MOST_KEYS
from keyin.oauth.administration import Acting
from keyin.oauth.ports import Enrolment
from keyin.oauth.proven_client import NOBODYS
from keyin.stores.host import SystemEntropy
from keyin.stores.memory import MemoryStore
from keyin.stores.secrets_directory import SecretsDirectory
from keyin.wire import admin_clients as clients
from keyin.wire import admin_members as members
from keyin.wire import admin_sites as sites
from keyin.wire.admin import Changed, Op, answer_of
from keyin.wire.frames import MAX_PAYLOAD
from keyin.wire.signing_key import new_key
from tests.conformance.test_accounts import account
from tests.conformance.test_administration import EVENT
from tests.conformance.test_flows import application
from tests.fakes import records

if TYPE_CHECKING:
    from keyin.oauth.administration import Administration

ACTING = Acting(at=Millis(records.NOW + 5), uid=1234)
ENVELOPE = {"v", "id", "op", "request_id", "ok"}
CHANGES_NOTHING = {
    "client.list", "client.show", "site.list", "site.member_list", "software.list"
}  # fmt: skip


def service(store: MemoryStore) -> Administration:
    secrets = SecretsDirectory.in_memory(entropy=SystemEntropy())
    return administration(store, secrets, SystemEntropy())


SERVICE = service(MemoryStore())
KINDS = sorted(SERVICE.kinds, key=lambda kind: str(kind.__struct_config__.tag))


async def stocked() -> tuple[MemoryStore, Administration]:
    store = MemoryStore()
    made = Enrolment(
        clients=[records.client()],
        credentials=[records.credential()],
        client_keys=[records.client_key()],
    )
    await store.enrol(made, event=EVENT)
    await store.add_account(account(), event=EVENT)
    return store, service(store)


def tag(kind: type[Op[Any]]) -> str:
    return str(kind.__struct_config__.tag)


def a_key() -> str:
    return new_key(SystemEntropy()).public.jwk.decode()


async def events(store: MemoryStore) -> list[dict[str, Any]]:
    rows = await store.audit_rows("main", after=2, most=99)
    return [msgspec.json.decode(row.event) for row in rows]


def test_p67_the_list_of_ops_is_closed_and_none_takes_a_path_a_command_or_an_address() -> None:
    ours = ("client.", "token.", "site.", "software.", "initial_access.")
    assert {tag(kind) for kind in KINDS if tag(kind).startswith(ours)} == {
        "client.list", "client.show", "client.register", "client.suspend", "client.resume",
        "client.revoke", "client.legacy_until", "client.add_key", "client.revoke_key",
        "token.revoke",
        "site.list", "site.create", "site.suspend", "site.resume", "site.revoke",
        "site.member_list", "site.member_add", "site.member_remove", "site.returns",
        "client.approve", "initial_access.make", "initial_access.list", "initial_access.revoke",
        "software.list", "software.stop", "software.resume",
    }  # fmt: skip
    for kind in KINDS:
        fields = set(kind.__struct_fields__)
        assert not fields & ENVELOPE, f"{tag(kind)} would speak over the envelope"
        assert not fields & {"path", "file", "command", "url", "uri", "host", "sql"}, kind
        assert kind.__struct_config__.forbid_unknown_fields
        assert issubclass(answer_of(kind), msgspec.Struct)


def test_p91_no_op_and_no_answer_prints_what_is_secret() -> None:
    canary = "at_canary"
    assert canary not in repr(clients.RevokeToken(token=canary))
    assert canary not in repr(clients.ClientRegistered(client_id="x", client_secret=canary))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)
NAMES = sorted({name for kind in KINDS for name in kind.__struct_fields__})
NEARLY = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(op=st.sampled_from([tag(kind) for kind in KINDS]) | JSON, fields=NEARLY)
def test_p80_any_message_is_an_op_or_a_bad_request(op: object, fields: dict[str, object]) -> None:
    assert read_or_refused({**fields, "op": op}) in {*KINDS, ("bad_request", ())}


def read_or_refused(message: dict[str, Any]) -> object:
    try:
        return type(SERVICE.read(message))
    except Refused as refusal:
        return refusal.code, tuple(refusal.fields)


UNKNOWN: list[tuple[Op[Any], str]] = [
    (clients.ShowClient(client="none"), "unknown_client"),
    (clients.SuspendClient(client="none"), "unknown_client"),
    (clients.ResumeClient(client="none"), "unknown_client"),
    (clients.RevokeClient(client="none"), "unknown_client"),
    (clients.AddClientKey(client="none", public_key=a_key()), "unknown_client"),
    (clients.AddClientKey(client="main-hall", public_key="{}"), "bad_key"),
    (clients.AddClientKey(client="main-hall", public_key=NOBODYS.decode()), "bad_key"),
    (clients.AddClientKey(client="main-hall", public_key=a_key()), "no_keys_here"),
    (clients.MoveLegacyEnd(client="none", until=1), "unknown_client"),
    (clients.RevokeClientKey(kid="none"), "unknown_key"),
    (clients.RevokeToken(token="none"), "unknown_token"),
    (clients.ListClients(status="odd"), "bad_request"),
    (clients.RegisterClient(public_key=NOBODYS.decode()), "bad_key"),
    (clients.RegisterClient(public_key=a_key(), networks=("10.0.0.0/99",)), "bad_network"),
    (clients.RegisterClient(), "date_is_past"),
    (sites.CreateSite(site=" main hall"), "bad_name"),
    (sites.CreateSite(site="a\nb"), "bad_name"),
    (sites.SuspendSite(site="none"), "unknown_site"),
    (sites.ResumeSite(site="none"), "unknown_site"),
    (sites.RevokeSite(site="none"), "unknown_site"),
    (members.ListMembers(site="none"), "unknown_site"),
    (members.AddMember(site="none", account="ada"), "unknown_site"),
    (members.AddMember(site="main hall", account="zoe"), "unknown_account"),
    (members.RemoveMember(site="main hall", account="zoe"), "unknown_account"),
    (members.RemoveMember(site="main hall", account="ada"), "no_member"),
    (sites.StopSoftware(software="s", version="9"), "unknown_software"),
    (sites.ResumeSoftware(software="s", version="9"), "unknown_software"),
]


@pytest.mark.parametrize(("op", "code"), UNKNOWN)
async def test_p90_what_cannot_be_done_is_refused_and_noted(op: Op[Any], code: str) -> None:
    store, admin = await stocked()
    with pytest.raises(Refused) as refused:
        await admin.answer(op, ACTING)
    assert (refused.value.code, bool(refused.value.next_step)) == (code, True)
    (event,) = await events(store)
    assert (event["act"], event["outcome"]) == ("administrator.asked", "refused")
    assert (event["reason"], event["detail"]) == (code, {"uid": "1234", "op": tag(type(op))})


DONE: list[tuple[Op[Any], str]] = [
    (clients.ListClients(), "administrator.asked"),
    (clients.ShowClient(client="client-1"), "administrator.asked"),
    (clients.ResumeClient(client="main-hall"), "administrator.asked"),
    (sites.ListSites(), "administrator.asked"),
    (sites.ListSoftware(), "administrator.asked"),
    (sites.ResumeSite(site="main hall"), "administrator.asked"),
    (sites.ResumeSoftware(software="s", version="1"), "administrator.asked"),
    (clients.RegisterClient(public_key=a_key()), "client.registered"),
    (clients.SuspendClient(client="main-hall"), "client.suspended"),
    (clients.RevokeClient(client="main-hall", reason="lost"), "client.revoked"),
    (clients.MoveLegacyEnd(client="main-hall", until=1), "policy.changed"),
    (clients.RevokeClientKey(kid="kid-1"), "client_key.revoked"),
    (sites.CreateSite(site="annexe"), "site.changed"),
    (sites.SuspendSite(site="main hall"), "site.changed"),
    (sites.RevokeSite(site="main hall"), "site.changed"),
    (members.AddMember(site="main hall", account="ada"), "membership.changed"),
    (members.ListMembers(site="main hall"), "administrator.asked"),
    (sites.StopSoftware(software="s", version="1"), "software.changed"),
    (sites.StopSoftware(software="s", version="9", unseen=True), "software.changed"),
]


@pytest.mark.parametrize(("op", "act"), DONE)
async def test_p90_every_op_leaves_one_event(op: Op[Any], act: str) -> None:
    store, admin = await stocked()
    answer = await admin.answer(op, ACTING)
    assert isinstance(answer, answer_of(type(op)))
    (event,) = await events(store)
    assert (event["act"], event["actor"], event["outcome"]) == (act, "administrator", "done")
    assert event["detail"]["uid"] == "1234"
    if hasattr(op, "reason"):
        assert event["reason"] == op.reason


async def test_what_is_revoked_is_not_resumed() -> None:
    _, admin = await stocked()
    await admin.answer(clients.RevokeClient(client="main-hall"), ACTING)
    await admin.answer(sites.RevokeSite(site="main hall"), ACTING)
    for op in (clients.ResumeClient(client="main-hall"), sites.ResumeSite(site="main hall")):
        with pytest.raises(Refused, match="revoked"):
            await admin.answer(op, ACTING)
    again = await admin.answer(clients.RevokeClient(client="main-hall"), ACTING)
    assert again == Changed(changed=False, status="revoked", clients=1)


async def test_a_client_that_was_never_stopped_is_not_waked_from_pending() -> None:
    store = MemoryStore()
    made = Enrolment(
        clients=[records.client(status=Status.PENDING)], credentials=[records.credential()]
    )
    await store.enrol(made, event=EVENT)
    with pytest.raises(Refused, match="pending"):
        await service(store).answer(clients.ResumeClient(client="main-hall"), ACTING)


async def test_no_client_is_registered_at_a_site_that_is_stopped() -> None:
    store, admin = await stocked()
    await admin.answer(sites.SuspendSite(site="main hall"), ACTING)
    op = clients.RegisterClient(public_key=a_key(), site="main hall")
    with pytest.raises(Refused) as refused:
        await admin.answer(op, ACTING)
    assert refused.value.code == "site_not_active"
    assert len(store._clients) == 1


async def test_a_client_has_a_bounded_number_of_keys() -> None:
    _, admin = await stocked()
    made = await admin.answer(clients.RegisterClient(public_key=a_key()), ACTING)
    for _ in range(MOST_KEYS - 1):
        op = clients.AddClientKey(client=made.client_id, public_key=a_key())
        await admin.answer(op, ACTING)
    with pytest.raises(Refused) as refused:
        await admin.answer(clients.AddClientKey(client=made.client_id, public_key=a_key()), ACTING)
    assert refused.value.code == "too_many_keys"
    shown = await admin.answer(clients.ShowClient(client=made.client_id), ACTING)
    assert len(shown.keys) == shown.client.keys == MOST_KEYS


@pytest.mark.parametrize(
    ("method", "taken"), [(AuthMethod.NONE, False), (AuthMethod.PRIVATE_KEY_JWT, True)]
)
async def test_p59_a_public_application_gets_no_key_beside_its_one_way(
    method: AuthMethod, *, taken: bool
) -> None:
    store = MemoryStore()
    made = Enrolment(
        clients=[records.client(kind=ClientKind.APPLICATION)],
        credentials=[records.credential(secret_digest=NO_SECRET)],
        applications=[application(credential_id="credential-1", auth_method=method)],
    )
    await store.enrol(made, event=EVENT)
    op = clients.AddClientKey(client="main-hall", public_key=a_key())
    with nullcontext() if taken else pytest.raises(Refused, match="does not prove itself"):
        await service(store).answer(op, ACTING)


async def test_a_key_is_registered_once_whatever_the_op() -> None:
    _, admin = await stocked()
    key = a_key()
    made = await admin.answer(clients.RegisterClient(public_key=key), ACTING)
    again: list[Op[Any]] = [
        clients.RegisterClient(public_key=key),
        clients.AddClientKey(client=made.client_id, public_key=key),
    ]
    for op in again:
        with pytest.raises(Refused) as refused:
            await admin.answer(op, ACTING)
        assert refused.value.code == "key_there"


async def test_of_several_clients_with_one_id_the_record_is_to_be_named() -> None:
    store, admin = await stocked()
    twin = records.credential("credential-2", client_id=RecordId("client-2"))
    made = Enrolment(clients=[records.client("client-2")], credentials=[twin])
    await store.enrol(made, event=EVENT)
    with pytest.raises(Refused, match="client-1, client-2"):
        await admin.answer(clients.SuspendClient(client="main-hall"), ACTING)
    done = await admin.answer(clients.SuspendClient(client="client-2"), ACTING)
    assert done.changed
    assert store._clients[RecordId("client-1")].status is Status.ACTIVE


async def test_p82_a_page_fits_into_a_frame_whatever_imported_records_hold() -> None:
    store = MemoryStore()
    many = [
        records.client(f"client-{number}", name="\u20ac" * 5000, computer_type='"' * 5000)
        for number in range(300)
    ]
    await store.enrol(Enrolment(clients=many), event=EVENT)
    admin, found, after = service(store), set[str](), 0
    while True:
        page = await admin.answer(clients.ListClients(after=after), ACTING)
        assert len(msgspec.json.encode(page)) < MAX_PAYLOAD - 1000
        found |= {one.id for one in page.clients}
        if page.after is None:
            break
        after = page.after
    assert len(found) == 300


async def test_a_tokens_event_names_its_client_and_no_key() -> None:
    store, admin = await stocked()
    digest = service(store)  # another service has other peppers: its digests are not known
    with pytest.raises(Refused):
        await digest.answer(clients.RevokeToken(token="x"), ACTING)
    secrets = SecretsDirectory.in_memory(entropy=SystemEntropy())
    admin = administration(store, secrets, SystemEntropy())
    digest_of = Digest(secrets.digests("token", "at_1")[0])
    await store.add_token(records.token(digest_of), event=EVENT)
    done = await admin.answer(clients.RevokeToken(token="at_1"), ACTING)
    assert done.changed
    event = (await events(store))[-1]
    assert (event["act"], event["client"], event["site"]) == (
        "token.revoked", "client-1", "main hall"
    )  # fmt: skip
    assert event["key"].startswith("k_")
    assert "at_1" not in repr(event)
