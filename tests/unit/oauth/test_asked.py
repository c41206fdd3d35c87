"""HTTP Basic as RFC 6749 §2.3.1 has it, nonces over minutes, and the table of `/oauth2`."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.cloud import routes
from keyin.domain.environment import Millis
from keyin.domain.records import Digest
from keyin.oauth.asked import Sent, basic
from keyin.oauth.dpop import Dpop
from keyin.oauth.errors import Reason
from keyin.stores.host import SystemEntropy
from keyin.wire import dpop_proofs
from keyin.wire.dpop_proofs import Proof
from keyin.wire.signing_key import new_key

URL = "https://cloud.example/oauth2/token"
NOON = Millis(1_800_000_000_000)


def _header(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "pair"),
    [
        (_header("id:secret"), ("id", "secret")),
        (_header("a%3Ab:c%2Bd+e%25"), ("a:b", "c+d e%")),
        (_header("%C3%A9:%zz"), ("é", "%zz")),
        (_header("id:"), ("id", "")),
        (_header("id:a:b"), ("id", "a:b")),
        ("basic " + _header("id:secret")[6:], ("id", "secret")),
        (_header("nothing"), None),
        ("Basic é", None),
        ("Basic", None),
        ("Bearer " + _header("id:secret")[6:], None),
        (None, None),
    ],
)
def test_basic_is_form_decoded(header: str | None, pair: tuple[str, str] | None) -> None:
    assert basic(header) == pair


@given(st.text() | st.binary().map(lambda raw: "Basic " + b64encode(raw).decode()))
def test_no_header_breaks_it(header: str) -> None:
    assert basic(header) is None or len(basic(header) or ()) == 2


class _Peppers:
    def __init__(self, *ids: str) -> None:
        self._ids = ids

    def digests(self, purpose: str, value: str) -> tuple[Digest, ...]:
        return tuple(Digest(f"{id_}:{id_}-{purpose}-{value}") for id_ in self._ids)


@pytest.mark.parametrize(
    ("seconds_later", "fresh"), [(0, True), (59, True), (60, True), (119, True), (120, False)]
)
def test_p11_a_nonce_is_good_for_its_minute_and_the_next(
    *, seconds_later: int, fresh: bool
) -> None:
    now = Millis(NOON + seconds_later * 1000)
    assert NOON % 60_000 == 0
    nonce = Dpop(peppers=_Peppers("old")).nonce(NOON)
    text = dpop_proofs.make(
        new_key(SystemEntropy()), method="POST", url=URL, jti="j", now=now, nonce=nonce
    )
    sent = Sent(proofs=(text,), method="POST", url=URL)
    found = Dpop(peppers=_Peppers("new", "old")).check(sent, now=now)
    assert isinstance(found, Proof) if fresh else found is Reason.NO_NONCE
    two = Sent(proofs=(text, text), method="POST", url=URL)
    assert Dpop(peppers=_Peppers("old")).check(two, now=now) is Reason.WRONG_PROOF


def test_p01_what_acts_under_oauth2_asks_for_a_client() -> None:
    acting = {route for route in routes.OAUTH if route.method != "GET"}
    assert acting
    assert all(route.access is routes.Access.CLIENT for route in acting)
    assert all(route.template.startswith("/.well-known/") for route in {*routes.OAUTH} - acting)
