"""Signing in: equal answers, equal work, back-off, sessions that end."""

from __future__ import annotations

import pytest

from keyin.domain.environment import Millis
from keyin.domain.networks import parse_address
from keyin.domain.records import Status
from keyin.domain.secret import Secret
from keyin.oauth.accounts import ABSOLUTE, FRESH, IDLE, Checked, PasswordHash, is_fresh, name_key
from keyin.oauth.admin_accounts import AccountOperations
from keyin.oauth.administration import Acting
from keyin.oauth.second_factor import SecondSteps
from keyin.oauth.sign_in import (
    LONGEST_WAIT,
    Halfway,
    NotSignedIn,
    SessionToken,
    SignedIn,
    SignIn,
    Visit,
)
from keyin.stores.host import SystemEntropy
from keyin.stores.memory import MemoryStore
from keyin.stores.secrets_directory import SecretsDirectory
from keyin.wire.admin_accounts import CreateAccount, ResumeAccount, SetPassword, SuspendAccount
from tests.fakes.records import NOW

GOOD = Secret("violet tram and gravel")
ACTING = Acting(at=NOW, uid=0)
HOME = "192.0.2.7"


class PlainPasswords:
    """Implements Passwords without the work; notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[PasswordHash | None] = []

    async def hash(self, password: Secret) -> PasswordHash:
        return PasswordHash(f"now:{password.reveal()}")

    async def check(self, password: Secret, stored: PasswordHash | None) -> Checked:
        self.asked.append(stored)
        kind, _, text = (stored or PasswordHash("")).partition(":")
        right = text == password.reveal()
        return Checked(right, outdated=right and kind == "old")


class Desk:
    def __init__(self) -> None:
        self.entropy = SystemEntropy()
        self.store, self.passwords = MemoryStore(), PlainPasswords()
        secrets = SecretsDirectory.in_memory(entropy=self.entropy)
        self.steps = SecondSteps(
            store=self.store, vault=secrets, peppers=secrets, entropy=self.entropy, service="here"
        )
        self.service = SignIn(
            store=self.store,
            passwords=self.passwords,
            steps=self.steps,
            peppers=secrets,
            entropy=self.entropy,
        )
        self.making = AccountOperations(
            store=self.store, passwords=self.passwords, entropy=self.entropy, common=()
        )

    async def ada(self) -> None:
        await self.making.create(CreateAccount(name="Ada", password=GOOD.reveal()), ACTING)

    async def sign_in(
        self,
        name: str = "ada",
        password: Secret = GOOD,
        *,
        at: int = NOW,
        address: str = HOME,
        before: SessionToken | None = None,
    ) -> SignedIn | Halfway | NotSignedIn:
        visit = Visit(address=parse_address(address), now=Millis(at), request_id="r-1")
        return await self.service.sign_in(name, password, before=before, visit=visit)

    async def signed_in(self, **more: object) -> SignedIn:
        outcome = await self.sign_in(**more)  # type: ignore[arg-type]
        assert isinstance(outcome, SignedIn)
        return outcome


@pytest.fixture
async def desk() -> Desk:
    made = Desk()
    await made.ada()
    return made


async def test_the_right_password_opens_a_session(desk: Desk) -> None:
    signed_in = await desk.signed_in(name=" ADA ")
    found = await desk.service.who(signed_in.token, NOW)
    assert found is not None
    assert found.account.name == "Ada"
    assert signed_in.token.reveal() not in repr(await desk.store.find_session([]))


@pytest.mark.parametrize(
    ("left", "right"),
    [("Ada", "ADA"), ("ﬁona", "fiona"), ("Straße", "STRASSE"), (" a  b ", "A B"), ("Å", "Å")],
)
def test_two_spellings_are_one_name(left: str, right: str) -> None:
    assert name_key(left) == name_key(right)


async def test_unknown_wrong_and_suspended_are_one_answer_after_one_check(desk: Desk) -> None:
    assert await desk.sign_in(password=Secret("wrong")) == NotSignedIn()
    assert await desk.sign_in("nobody") == NotSignedIn()
    await desk.making.suspend(SuspendAccount(name="ada"), ACTING)
    assert await desk.sign_in() == NotSignedIn()
    assert len(desk.passwords.asked) == 3
    assert desk.passwords.asked[1] is None


async def test_wrong_passwords_slow_down_one_name_from_one_address_first(desk: Desk) -> None:
    for name in ("ada", "nobody"):
        for _ in range(5):
            assert await desk.sign_in(name, Secret("wrong")) == NotSignedIn()
        assert await desk.sign_in(name) == NotSignedIn(wait=Millis(1000))
    checked = len(desk.passwords.asked)
    assert await desk.sign_in() == NotSignedIn(wait=Millis(1000))
    assert len(desk.passwords.asked) == checked
    await desk.signed_in(address="198.51.100.9")
    await desk.signed_in(at=NOW + 1000)
    await desk.signed_in(at=NOW + 1000)


async def test_the_wait_doubles_to_a_quarter_of_an_hour(desk: Desk) -> None:
    now, waits = NOW, []
    for _ in range(20):
        outcome = await desk.sign_in(password=Secret("wrong"), at=now)
        assert isinstance(outcome, NotSignedIn)
        if outcome.wait is not None:
            waits.append(outcome.wait)
            now = Millis(now + outcome.wait)
    assert waits[:4] == [1000, 2000, 4000, 8000]
    assert max(waits) <= LONGEST_WAIT


async def test_one_address_that_tries_many_names_is_slowed_down(desk: Desk) -> None:
    for number in range(30):
        assert await desk.sign_in(f"name{number}", address="2001:db8::1") == NotSignedIn()
    assert await desk.sign_in(address="2001:db8::2") == NotSignedIn(wait=Millis(1000))
    await desk.signed_in(address="2001:db8:1::2")


async def test_a_new_sign_in_ends_the_session_before_it(desk: Desk) -> None:
    first = await desk.signed_in()
    second = await desk.signed_in(before=first.token)
    assert first.token.reveal() != second.token.reveal()
    assert await desk.service.who(first.token, NOW) is None
    assert await desk.service.who(second.token, NOW) is not None


async def test_an_idle_session_and_an_old_one_end(desk: Desk) -> None:
    idle = await desk.signed_in()
    assert await desk.service.who(idle.token, Millis(NOW + IDLE)) is None
    now = NOW
    while now < NOW + ABSOLUTE - IDLE // 2:
        now = Millis(now + IDLE // 2)
        assert await desk.service.who(idle.token, now) is not None
    assert await desk.service.who(idle.token, Millis(NOW + ABSOLUTE)) is None


async def test_a_clock_that_was_set_back_lends_no_time(desk: Desk) -> None:
    signed_in = await desk.signed_in()
    assert await desk.service.who(signed_in.token, Millis(NOW - IDLE)) is None


async def test_signing_out_ends_one_session_and_everywhere_ends_all(desk: Desk) -> None:
    visit = Visit(address=None, now=NOW, request_id="r-1")
    one, two, three = [await desk.signed_in() for _ in range(3)]
    await desk.service.sign_out(one, visit)
    assert [await desk.service.who(who.token, NOW) is not None for who in (one, two)] == [
        False, True,
    ]  # fmt: skip
    await desk.service.sign_out_everywhere(two, visit)
    assert await desk.service.who(two.token, NOW) is None
    assert await desk.service.who(three.token, NOW) is None


@pytest.mark.parametrize("what", ["suspend", "set_password"])
async def test_what_an_administrator_does_ends_every_session(desk: Desk, what: str) -> None:
    signed_in = await desk.signed_in()
    if what == "suspend":
        await desk.making.suspend(SuspendAccount(name="ada"), ACTING)
    else:
        op = SetPassword(name="ada", password="gravel tram and violet")
        await desk.making.set_password(op, ACTING)
    assert await desk.service.who(signed_in.token, NOW) is None
    await desk.making.resume(ResumeAccount(name="ada"), ACTING)
    assert await desk.service.who(signed_in.token, NOW) is None


async def test_p32_a_hash_of_other_parameters_is_replaced_at_sign_in(desk: Desk) -> None:
    account = await desk.store.find_account("ada")
    assert account is not None
    desk.store._accounts[account.id] = type(account)(
        **{
            **{name: getattr(account, name) for name in account.__struct_fields__},
            "password": PasswordHash(f"old:{GOOD.reveal()}"),
        }
    )
    signed_in = await desk.signed_in()
    after = await desk.store.find_account("ada")
    assert after is not None
    assert after.password == f"now:{GOOD.reveal()}"
    assert (after.epoch, after.status) == (0, Status.ACTIVE)
    assert await desk.service.who(signed_in.token, NOW) is not None


async def test_a_sign_in_is_fresh_for_five_minutes(desk: Desk) -> None:
    session = (await desk.signed_in()).session
    assert is_fresh(session, Millis(NOW + FRESH))
    assert not is_fresh(session, Millis(NOW + FRESH + 1))
