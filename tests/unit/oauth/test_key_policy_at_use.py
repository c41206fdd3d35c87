"""P45 where a token is used: a policy that came another way than by its verb holds as well.

The verb moves the key's epoch, which ends every token; here only the policy itself stands between
the token and the preferences, as after a restored backup or an administrator's own SQL.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from keyin.domain.environment import Millis
from keyin.domain.grant import Grant
from keyin.domain.key_policy import KeyPolicy
from keyin.domain.records import UNRESTRICTED, Digest
from keyin.oauth.bearer import Bearer, Denial
from keyin.oauth.errors import Reason, Refusal
from keyin.oauth.pin_tries import AT_A_CLIENT, EVERYWHERE
from tests.unit.oauth.cloud_side import CLIENT_ID, KEY, CloudSide

READ, WRITE = "settings:read", "settings:write"


async def side_with(policy: KeyPolicy | None) -> tuple[CloudSide, str]:
    side = CloudSide()
    await side.enrol()
    header = f"Bearer {await side.token()}"
    digest = side.secrets.digests("key", KEY)[0]
    side.store._keys[digest] = replace(side.store._keys[digest], policy=policy)
    return side, header


async def test_p45_no_policy_takes_nothing_away() -> None:
    side, header = await side_with(None)
    for scope in (READ, WRITE):
        assert isinstance(await side.use(header, scope=scope), Grant)


async def test_p45_a_key_that_is_only_read_is_not_written_at_use() -> None:
    side, header = await side_with(KeyPolicy(read_only=True))
    assert isinstance(await side.use(header, scope=READ), Grant)
    assert await side.use(header, scope=WRITE) == Denial(Reason.SCOPE)


@pytest.mark.parametrize(
    ("sites", "opens"), [(("main hall", "x"), True), (("x",), False), ((), False)]
)
async def test_p45_a_site_counts_at_use(*, sites: tuple[str, ...], opens: bool) -> None:
    side, header = await side_with(KeyPolicy(sites=sites))
    used = await side.use(header)
    assert isinstance(used, Grant) if opens else used == Denial(Reason.ANOTHER_SITE)


async def test_p45_a_computer_without_a_place_opens_nothing_at_use() -> None:
    side, header = await side_with(KeyPolicy(machines=1))
    key, until = side.secrets.digests("key", KEY)[0], Millis(side.now + 1000)
    assert await side.use(header) == Denial(Reason.NO_PLACE)
    await side.store.claim_place(key, CLIENT_ID, most=1, until=until, now=side.now)
    assert isinstance(await side.use(header), Grant)
    side.now = until
    assert await side.use(header) == Denial(Reason.NO_PLACE)


async def test_p45_whoever_knows_no_places_opens_no_key_that_needs_one() -> None:
    side, _ = await side_with(KeyPolicy(machines=1))
    token = (await side_with(None))[1]
    bearer = Bearer(tokens=side.store, peppers=side.secrets)
    assert isinstance(await bearer.identify(token, None, address=None, now=side.now), Denial)


PIN = "24680"


async def side_with_pin() -> CloudSide:
    side, _ = await side_with(None)
    digest = side.secrets.digests("key", KEY)[0]
    pin = side.secrets.digests("pin", f"{KEY}\0{PIN}")[0]
    side.store._keys[digest] = replace(side.store._keys[digest], policy=KeyPolicy(pin=pin))
    return side


async def opens(side: CloudSide, pin: str) -> bool:
    return not isinstance(await side.ask(password=pin), Refusal)


async def test_p45_a_locked_pin_opens_again_after_a_while() -> None:
    side = await side_with_pin()
    assert [await opens(side, "wrong") for _ in range(AT_A_CLIENT.burst)] == [False] * 5
    assert not await opens(side, PIN)
    assert side.alarms.noted["reached pins"] == 1
    side.now = Millis(side.now + AT_A_CLIENT.each_ms)
    assert await opens(side, PIN)
    assert [await opens(side, "wrong") for _ in range(3)] == [False] * 3
    assert await opens(side, PIN), "the right one forgives the person's mistakes"


async def test_p45_tries_while_it_is_locked_lock_it_no_longer() -> None:
    side = await side_with_pin()
    for _ in range(200):
        await opens(side, "wrong")
    side.now = Millis(side.now + AT_A_CLIENT.each_ms)
    assert await opens(side, PIN)


@pytest.mark.parametrize("at_home", [True, False])
async def test_p45_many_strangers_lock_nobody_out_at_home(*, at_home: bool) -> None:
    side = await side_with_pin()
    assert not at_home or await opens(side, PIN)
    side.now = Millis(side.now + 10 * 86_400_000)
    everywhere = "n:" + side.secrets.digests("key", KEY)[0].rpartition(":")[2][:16]
    await side.store.charge(everywhere, EVERYWHERE, cost=EVERYWHERE.burst, now=side.now)
    assert await opens(side, PIN) is at_home


def test_p45_a_policy_says_nothing_unless_it_is_told() -> None:
    assert KeyPolicy() == KeyPolicy(pin=None, sites=UNRESTRICTED, machines=None, read_only=False)
    assert KeyPolicy(pin=Digest("x")) != KeyPolicy()
