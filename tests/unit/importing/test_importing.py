"""What becomes of each document: what is taken, what is refused and why, what is never undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keyin.domain.records import UNRESTRICTED, Status
from keyin.stores import key_files
from keyin.stores.secrets_directory import SecretsDirectory
from keyin.wire.documents import decode_safe, millis
from tests.unit.importing.documents import CREATED, authorization, client, credential, key, safe
from tests.unit.importing.world import ENTROPY, NOW, UNTIL, Cloud

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


async def test_a_whole_site_comes_in(cloud: Cloud) -> None:
    report = await cloud.take(authorization(), key(), safe(), credential(), client())
    assert report.refusals == []
    assert report.written == {
        "clients": 1, "credentials": 1, "safes": 1, "keys": 1, "tokens": 1,
    }  # fmt: skip
    found = await cloud.store.find_safe(cloud.secrets.digests("key", "anna"))
    assert found is not None
    assert found.safe is not None
    content = decode_safe(cloud.secrets.unseal(found.safe.sealed, found.safe.id))
    assert content.preferences == safe()["preferences"]
    assert (content.id, content.name) == ("prefsSafe-anna", "anna")
    assert cloud.secrets.unseal(found.key.sealed, found.key.digest) == b"anna"
    grant = await cloud.store.find_grant(cloud.secrets.digests("token", "token-1"))
    assert grant is not None
    assert grant.key == found.key
    assert grant.token.key_epoch == 0


async def test_p31_the_secret_is_kept_as_a_digest(cloud: Cloud) -> None:
    await cloud.take(credential())
    found = await cloud.store.find_credential("harbour")
    assert found is not None
    assert found[0].secret_digest == cloud.secrets.digests("secret", "not so secret")[0]


async def test_p44_weak_keys_are_marked_and_counted(cloud: Cloud) -> None:
    strong = "0f8fad5bd9cb469fa16570867728950e7c9e6679742540de944be07fc1f90ae7"
    report = await cloud.take(key(), key("5a1c3f0e-93f6-4a4c-8f5e-2b6d8a0c7e11"), key(strong))
    assert report.weak_keys == 2
    found = await cloud.store.find_key(cloud.secrets.digests("key", strong))
    assert found is not None
    assert not found.low_entropy


async def test_schema_01_has_no_restriction_and_no_privilege(cloud: Cloud) -> None:
    old = credential(schemaVersion="0.1")
    for name in ("allowedIPBlocks", "allowedPrefsToWrite"):
        del old[name]
    for name in ("isCreateGpiiKeyAllowed", "isCreatePrefsSafeAllowed"):
        del old[name]
    await cloud.take(old)
    found = await cloud.store.find_credential("harbour")
    assert found is not None
    policy = found[0].policy
    assert (policy.networks, policy.writable) == (UNRESTRICTED, UNRESTRICTED)
    assert not policy.may_create_keys
    assert not policy.may_create_safes


@pytest.mark.parametrize(
    ("blocks", "writable", "networks_kept", "writable_kept"),
    [
        (None, None, UNRESTRICTED, UNRESTRICTED),
        ([], [], (), ()),
        (["10.0.0.0/8"], ["a"], ("10.0.0.0/8",), ("a",)),
        ("10.1.0.0/16", "a", ("10.1.0.0/16",), ()),
        (["10.0.0.0/8", 5], [None], (), ()),
        (0, {"a": 1}, (), ()),
        (False, True, (), ()),
    ],
)
async def test_only_null_says_no_restriction(
    cloud: Cloud, blocks: object, writable: object, networks_kept: object, writable_kept: object
) -> None:
    await cloud.take(credential(allowedIPBlocks=blocks, allowedPrefsToWrite=writable))
    found = await cloud.store.find_credential("harbour")
    assert found is not None
    assert (found[0].policy.networks, found[0].policy.writable) == (networks_kept, writable_kept)


@pytest.mark.parametrize("value", ["true", 1, None, "yes", []])
async def test_only_true_gives_a_privilege(cloud: Cloud, value: object) -> None:
    await cloud.take(credential(isCreateGpiiKeyAllowed=value, isCreatePrefsSafeAllowed=value))
    found = await cloud.store.find_credential("harbour")
    assert found is not None
    assert not found[0].policy.may_create_keys
    assert not found[0].policy.may_create_safes


@pytest.mark.parametrize("value", [True, None, 0, "false", "no"])
async def test_only_false_says_not_revoked(cloud: Cloud, value: object) -> None:
    await cloud.take(credential(revoked=value), key(revoked=value), client(revoked=value))
    found = await cloud.store.find_credential("harbour")
    owned = await cloud.store.find_key(cloud.secrets.digests("key", "anna"))
    assert found is not None
    assert found[1] is not None
    assert owned is not None
    assert {found[0].status, found[1].status, owned.status} == {Status.REVOKED}


async def test_a_client_may_use_its_secret_until_the_day_given(cloud: Cloud) -> None:
    await cloud.take(client(), credential())
    found = await cloud.store.find_credential("harbour")
    assert found is not None
    assert found[1] is not None
    assert found[1].legacy_until == UNTIL
    assert found[1].created == millis(CREATED)


@pytest.mark.parametrize(
    "changes",
    [
        {"oauth2ClientId": "pilot-computer"},
        {"oauth2ClientSecret": "pilot-computer-secret"},
        {"oauth2ClientSecret": "nova-computer-secret"},
    ],
)
async def test_published_credentials_need_the_flag_and_leave_a_mark(
    cloud: Cloud, changes: dict[str, str]
) -> None:
    known = credential(**changes)
    report = await cloud.take(client(), known, authorization(), key())
    assert [str(one.reason) for one in report.refusals] == [
        "it is a test credential whose secret is published",
        "the token was issued with a credential that was refused",
    ]
    assert not await cloud.store.holds_test_credentials()
    report = await cloud.take(known, allow_test_credentials=True)
    assert report.refusals == []
    assert await cloud.store.holds_test_credentials()


async def test_a_token_has_an_hour_to_live_at_most(cloud: Cloud) -> None:
    soon = "2027-01-15T08:30:00.000Z"
    assert (millis(soon) or 0) - NOW == 30 * 60 * 1000
    await cloud.take(
        client(), credential(), key(), authorization("a"), authorization("b", timestampExpires=soon)
    )
    for token, left in (("a", 3_600_000), ("b", 1_800_000)):
        grant = await cloud.store.find_grant(cloud.secrets.digests("token", token))
        assert grant is not None
        assert grant.token.expires - NOW == left


async def test_a_token_for_a_key_that_does_not_exist(cloud: Cloud) -> None:
    await cloud.take(client(), credential(), authorization(gpiiKey="nobody"))
    grant = await cloud.store.find_grant(cloud.secrets.digests("token", "token-1"))
    assert grant is not None
    assert grant.key is None
    assert grant.token.key_epoch is None
    assert grant.token.key_digest == cloud.secrets.digests("key", "nobody")[0]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (authorization(timestampExpires="2018-01-01T00:00:00.000Z"), "has expired"),
        (authorization(timestampExpires="soon"), "does not say when"),
        (authorization(clientCredentialId=None), "names no credential"),
        (authorization(accessToken=""), "must be given"),
        (credential(oauth2ClientSecret=""), "no client secret"),
        (credential(oauth2ClientId=""), "must be given"),
        (credential(clientId=None), "shape"),
        ({"_id": "a", "type": "clientCredential"}, "shape"),
        (key(""), "must be given"),
        (key("an\0na"), "must be given"),
        (key() | {"_id": 5}, "shape"),
        (safe(prefsSafeType="other"), "neither user nor snapset"),
        (safe(preferences=[]), "shape"),
        (safe(preferences={"flat": float("nan")}), "number"),
        (safe(preferences={"flat": "\ud800"}), "value"),
        ({"_id": "a", "type": "somethingElse"}, "none of the five"),
        ({"_id": "a", "type": ["gpiiKey"]}, "none of the five"),
        ({"_id": "a"}, "none of the five"),
        ("text", "none of the five"),
        (None, "none of the five"),
    ],
)
async def test_what_is_not_in_order_is_refused_alone(
    cloud: Cloud, document: object, why: str
) -> None:
    assert why in await cloud.refusal(client(), document)
    assert [one.id async for one in cloud.store.all_clients()] == ["site-1"]


async def test_refusals_quote_no_value(cloud: Cloud) -> None:
    report = await cloud.take(
        key("canary", prefsSafeId=7), safe("canary", preferences="canary"), {"type": "canary"}
    )
    assert len(report.refusals) == 3
    assert "canary" not in " ".join(str(one) for one in report.refusals)


async def test_importing_twice_writes_once(cloud: Cloud) -> None:
    site = (client(), credential(), key(), safe(), authorization())
    await cloud.take(*site)
    again = await cloud.take(*site)
    assert set(again.written.values()) == {0}
    assert set(again.given.values()) == {1}


async def test_importing_again_after_a_pepper_was_rotated_makes_no_second_person(
    cloud: Cloud, tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    cloud.secrets = SecretsDirectory.open(folder, entropy=ENTROPY)
    site = (client(), credential(), key(), safe())
    await cloud.take(*site)
    key_files.add(folder, key_files.PEPPER, ENTROPY)
    cloud.secrets = SecretsDirectory.open(folder, entropy=ENTROPY)
    assert set((await cloud.take(*site)).written.values()) == {0}
    assert await cloud.store.find_safe(cloud.secrets.digests("key", "anna")) is not None
    found = await cloud.store.find_credential("harbour")
    assert found is not None
    assert found[0].secret_digest in cloud.secrets.digests("secret", "not so secret")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"allowedIPBlocks": ["10.0.0.0/8", "192.168.1.1/128", "10.1", "::1"]},
         "2 of 4 entries in its allowedIPBlocks match no address, the first is number 2"),
        ({"allowedIPBlocks": ""}, "1 of 1 entries in its allowedIPBlocks match no address"),
        ({"allowedIPBlocks": ["10.0.0.0/8", 5]}, "its allowedIPBlocks is no list of texts"),
        ({"allowedIPBlocks": False}, "its allowedIPBlocks is no list of texts"),
        ({"allowedPrefsToWrite": "a"}, "its allowedPrefsToWrite is no list of texts"),
    ],
)  # fmt: skip
async def test_p25_networks_that_never_match_are_told(
    cloud: Cloud, changes: dict[str, Any], told: str
) -> None:
    report = await cloud.take(client(), credential(**changes))
    assert report.refusals == []
    assert [one.place.number for one in report.doubts] == [2]
    assert told in str(report.doubts[0].reason)
    assert report.written["credentials"] == 1


async def test_limits_as_they_should_be_are_not_doubtful(cloud: Cloud) -> None:
    fine = credential(allowedIPBlocks=["10.0.0.0/8", "::1"], allowedPrefsToWrite=[])
    report = await cloud.take(client(), fine, credential("b", allowedIPBlocks=[]))
    assert (report.doubts, report.unrestricted) == ([], 1)
