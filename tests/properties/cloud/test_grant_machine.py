"""Grants and revocations in any order, against a model that fits on a page (P3, P7, P14).

A failure shows the steps; a campaign prints its seed.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from keyin.domain.applications import AUTHORIZATION_CODE, CLIENT_CREDENTIALS
from keyin.stores.host import SystemEntropy
from keyin.wire.admin_accounts import ResumeAccount, SuspendAccount
from keyin.wire.admin_clients import ResumeClient, RevokeClient, RevokeToken, SuspendClient
from keyin.wire.admin_keys import CreateKey, RevokeKey
from keyin.wire.admin_sites import ResumeSite, SuspendSite
from tests.grant_world import GrantWorld, Known

SITES = ("Main hall", "Annex")
PEOPLE = ("ada", "bob")
KEYS = 2
LIFE_MS, CODE_MS, PUSHED_MS = 900_000, 60_000, 90_000
LEAST_MS = 500
"""A token with less than this is over already."""
PATHS = {
    "settings": "/solutions/" + "0" * 64,
    "account": "/api/v1/account",
    "operations": "/api/v1/installations",
}
OPEN = {"settings": 404, "account": 200, "operations": 200}
"""What a right token gets; there is no such registry."""
index = st.integers(0, 7)


@dataclass
class Stoppable:
    """Anything that a token rests on. Each word against it is a new generation."""

    active: bool = True
    final: bool = False
    generation: int = 0


@dataclass
class Client:
    known: Known
    kind: str
    site: str
    own: Stoppable = field(default_factory=Stoppable)


@dataclass
class Token:
    text: str
    client: Client
    bound: bool
    ends: int
    rests_on: list[tuple[Stoppable, int]]
    revoked: bool = False


@dataclass
class Code:
    text: str
    verifier: str
    client: Client
    ends: int
    rests_on: list[tuple[Stoppable, int]]
    used: bool = False
    token: Token | None = None


class GrantMachine(RuleBasedStateMachine):
    """The cloud on one side, the dataclasses above on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = GrantWorld(Path(self.folder.name))
        world = self.world
        self.sites = {site: Stoppable() for site in SITES}
        self.clients = [
            *(Client(world.computer(site), "settings", site) for site in SITES),
            *(Client(world.application(s, AUTHORIZATION_CODE), "account", s) for s in SITES),
            *(Client(world.application(s, CLIENT_CREDENTIALS), "operations", s) for s in SITES),
        ]
        self.people = {name: (world.account(name), Stoppable()) for name in PEOPLE}
        self.keys = [(world.order(CreateKey()).key, Stoppable()) for _ in range(KEYS)]
        self.tokens: list[Token] = []
        self.codes: list[Code] = []
        self.pushed: list[tuple[Client, str, str, int]] = []

    def teardown(self) -> None:
        try:
            for token in self.tokens:
                self._check(token)
        finally:
            self.world.close()
            self.folder.cleanup()

    # --- what the model says

    @property
    def now(self) -> int:
        return int(self.world.clock.time)

    def _active(self, client: Client) -> bool:
        return client.own.active and self.sites[client.site].active

    def _alive(self, token: Token) -> bool:
        standing = all(one.active and one.generation == then for one, then in token.rests_on)
        return standing and not token.revoked and token.ends - self.now >= LEAST_MS

    def _of_kind(self, kind: str, number: int) -> Client:
        found = [client for client in self.clients if client.kind == kind]
        return found[number % len(found)]

    def _rests(self, client: Client, *more: Stoppable) -> list[tuple[Stoppable, int]]:
        standing = (client.own, self.sites[client.site], *more)
        return [(one, one.generation) for one in standing]

    def _given(
        self, answer: Any, client: Client, rests_on: list[tuple[Stoppable, int]], *, bound: bool
    ) -> Token:
        assert answer.status == 200, answer
        assert answer.body["expires_in"] * 1000 == LIFE_MS
        text = answer.body["access_token"]
        assert text not in {token.text for token in self.tokens}
        token = Token(text, client, bound, self.now + LIFE_MS, rests_on)
        self.tokens.append(token)
        return token

    def _check(self, token: Token) -> None:
        kind = token.client.kind
        for other, path in PATHS.items():
            answer = self.world.use(path, token.text, bound=token.bound)
            opens = other == kind and self._alive(token)
            assert answer.status == (OPEN[other] if opens else 401), (kind, other, answer)

    # --- getting

    @rule(who=index, which=index)
    def exchange(self, who: int, which: int) -> None:
        client, (key, standing) = self._of_kind("settings", who), self.keys[which % KEYS]
        answer = self.world.exchange(client.known, key)
        if not self._active(client):
            assert (answer.status, answer.error) == (401, "invalid_client")
        elif not standing.active:
            assert (answer.status, answer.error) == (400, "invalid_request")
        else:
            self._given(answer, client, self._rests(client, standing), bound=True)

    @rule(who=index, bound=st.booleans())
    def credentials(self, who: int, bound: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        client = self._of_kind("operations", who)
        answer = self.world.credentials(client.known, bound=bound)
        if not self._active(client):
            assert (answer.status, answer.error) == (401, "invalid_client")
        else:
            self._given(answer, client, self._rests(client), bound=bound)

    @rule(who=index)
    def push(self, who: int) -> None:
        client = self._of_kind("account", who)
        answer, verifier = self.world.push(client.known)
        if not self._active(client):
            assert (answer.status, answer.error) == (401, "invalid_client")
        else:
            assert answer.status == 201, answer
            uri = answer.body["request_uri"]
            self.pushed.append((client, uri, verifier, self.now + PUSHED_MS))

    @precondition(lambda self: self.pushed)
    @rule(which=index, who=st.sampled_from(PEOPLE), again=st.booleans())
    def approve(self, which: int, who: str, again: bool) -> None:  # noqa: FBT001 - as above
        client, uri, verifier, ends = self.pushed[which % len(self.pushed)]
        _, standing = self.people[who]
        if not standing.active:
            return  # nobody who cannot sign in sees the page
        account = self.world.run(self.world.store.account(self.people[who][0].id))
        assert account is not None
        code = self.world.approve(client.known, uri, account)
        if not self._active(client) or self.now > ends:
            assert code is None
            return
        assert code is not None
        self.pushed = [one for one in self.pushed if one[1] != uri]
        made = Code(code, verifier, client, self.now + CODE_MS, self._rests(client, standing))
        self.codes.append(made)
        if again:
            assert self.world.approve(client.known, uri, account) is None

    @precondition(lambda self: self.codes)
    @rule(which=index, right=st.sampled_from((True, True, False)), bound=st.booleans())
    def redeem(self, which: int, right: bool, bound: bool) -> None:  # noqa: FBT001 - as above
        code = self.codes[which % len(self.codes)]
        verifier = code.verifier if right else code.verifier[::-1] + "x"
        answer = self.world.redeem(code.client.known, code.text, verifier, bound=bound)
        if not self._active(code.client):
            assert (answer.status, answer.error) == (401, "invalid_client")
            return
        if code.used and code.token is not None:
            code.token.revoked = True
        if code.used or not right or self.now > code.ends:
            assert (answer.status, answer.error) == (400, "invalid_grant")
        else:
            own, site, person = code.rests_on
            rests_on = [*self._rests(code.client), person]
            assert (own[0], site[0]) == (code.client.own, self.sites[code.client.site])
            code.token = self._given(answer, code.client, rests_on, bound=bound)
        code.used = True

    @precondition(lambda self: self.codes)
    @rule(which=index, who=index)
    def steal(self, which: int, who: int) -> None:
        code = self.codes[which % len(self.codes)]
        thief = self._of_kind("account", who)
        if thief is code.client or not self._active(thief):
            return
        answer = self.world.redeem(thief.known, code.text, code.verifier, bound=False)
        assert (answer.status, answer.error) == (400, "invalid_grant")

    # --- using and asking

    @precondition(lambda self: self.tokens)
    @rule(which=index)
    def use(self, which: int) -> None:
        self._check(self.tokens[-1 - which % len(self.tokens)])

    @precondition(lambda self: self.tokens)
    @rule(which=index, who=index)
    def introspect(self, which: int, who: int) -> None:
        token, asking = self.tokens[which % len(self.tokens)], self.clients[who % 6]
        given = {"token": token.text}
        answer = self.world.form("/oauth2/introspect", asking.known, given, bound=False)
        if not self._active(asking):
            assert answer.status == 401
        else:
            assert answer.status == 200
            active = asking is token.client and self._alive(token)
            assert answer.body["active"] is active

    # --- taking back

    @precondition(lambda self: self.tokens)
    @rule(which=index, who=index)
    def revoke(self, which: int, who: int) -> None:
        token, asking = self.tokens[which % len(self.tokens)], self.clients[who % 6]
        given = {"token": token.text}
        answer = self.world.form("/oauth2/revoke", asking.known, given, bound=False)
        if not self._active(asking):
            assert answer.status == 401
        else:
            assert answer.status == 200
            token.revoked |= asking is token.client

    @precondition(lambda self: self.tokens)
    @rule(which=index)
    def revoke_by_the_administrator(self, which: int) -> None:
        token = self.tokens[which % len(self.tokens)]
        self.world.order(RevokeToken(token=token.text))
        token.revoked = True

    @rule(who=index, final=st.sampled_from((False, False, False, True)))
    def stop_client(self, who: int, final: bool) -> None:  # noqa: FBT001 - as above
        client = self.clients[who % len(self.clients)]
        if client.own.final or not client.own.active:
            return
        name = client.known.client_id
        self.world.order(RevokeClient(client=name) if final else SuspendClient(client=name))
        client.own.final = final
        _stopped(client.own)

    @rule(who=index)
    def resume_client(self, who: int) -> None:
        client = self.clients[who % len(self.clients)]
        if not client.own.active and not client.own.final:
            self.world.order(ResumeClient(client=client.known.client_id))
            client.own.active = True

    @rule(site=st.sampled_from(SITES))
    def stop_site(self, site: str) -> None:
        if self.sites[site].active:
            self.world.order(SuspendSite(site=site))
            _stopped(self.sites[site])

    @rule(site=st.sampled_from(SITES))
    def resume_site(self, site: str) -> None:
        if not self.sites[site].active:
            self.world.order(ResumeSite(site=site))
            self.sites[site].active = True

    @rule(name=st.sampled_from(PEOPLE))
    def stop_person(self, name: str) -> None:
        standing = self.people[name][1]
        if standing.active:
            self.world.order(SuspendAccount(name=name))
            _stopped(standing)
        else:
            self.world.order(ResumeAccount(name=name))
            standing.active = True

    @rule(which=index)
    def revoke_key(self, which: int) -> None:
        key, standing = self.keys[which % KEYS]
        if standing.active and which > 5:  # seldom: there is no way back
            self.world.order(RevokeKey(key=key))
            _stopped(standing)

    @rule(
        seconds=st.one_of(st.integers(1, 20), st.sampled_from((59, 60, 61, 89, 91, 899, 900, 901))),
        parts=st.sampled_from((0, 1, 499, 500, 501, 999)),
    )
    def wait(self, seconds: int, parts: int) -> None:
        self.world.clock.time += seconds * 1000 + parts

    @rule()
    def restart(self) -> None:
        self.world.restart()


def _stopped(one: Stoppable) -> None:
    one.active, one.generation = False, one.generation + 1


def _play(machine: type[RuleBasedStateMachine], examples: int, steps: int, **more: Any) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            **more,
        ),
    )


def test_grants_and_revocations_in_any_order_keep_to_the_model() -> None:
    _play(GrantMachine, 20, 40, derandomize=True)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_campaign_of_grants_and_revocations() -> None:
    number = int.from_bytes(SystemEntropy().token_bytes(4), "big")
    print(f"grants and revocations: seed {number}")  # noqa: T201 - a campaign prints its seed
    _play(seed(number)(GrantMachine), 400, 80)


class _Forgetful(GrantMachine):
    """A model that forgets what a second use of a code takes back."""

    def _alive(self, token: Token) -> bool:
        return super()._alive(replace(token, revoked=False))


def test_a_model_that_forgets_a_revocation_is_found_out() -> None:
    with pytest.raises(AssertionError):
        _play(_Forgetful, 60, 40, derandomize=True, phases=[Phase.generate])
