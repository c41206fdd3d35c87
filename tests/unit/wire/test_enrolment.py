"""Enrolment's texts: codes that show slips, files that show changes, details that hide nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from keyin.domain.enrolment import Computer
from keyin.domain.environment import Millis
from keyin.domain.errors import InvalidDocument
from keyin.stores.host import SystemEntropy
from keyin.wire import enrolment, enrolment_code, enrolment_file, utc_text
from keyin.wire.enrolment_code import EnrolmentCode
from keyin.wire.enrolment_file import EnrolmentFile
from keyin.wire.signing_key import new_key

JKT = "k" * 43


@given(st.binary(min_size=32, max_size=32))
def test_a_code_is_its_token_and_comes_back(random: bytes) -> None:
    token = enrolment_code.new_initial_access_token(random)
    code = enrolment_code.code_of(token)
    assert enrolment_code.is_initial_access_token(token.reveal())
    assert code.reveal().startswith("keyin-1.")
    assert enrolment_code.token_of(code) == token
    assert enrolment_code.token_of(EnrolmentCode(f" {code.reveal()[:20]}\n{code.reveal()[20:]} "))


@given(st.binary(min_size=32, max_size=32), st.integers(0, 57), st.sampled_from("aAzZ09-_. "))
def test_one_wrong_character_is_seen_without_a_network(
    random: bytes, place: int, wrong: str
) -> None:
    code = enrolment_code.code_of(enrolment_code.new_initial_access_token(random)).reveal()
    changed = code[:place] + wrong + code[place + 1 :]
    found = enrolment_code.token_of(EnrolmentCode(changed))
    assert (found is not None) == (changed == code)


@pytest.mark.parametrize(
    "text", ["", "iat_", "iat_" + "a" * 42, "rat_" + "A" * 43, "iat_" + "A" * 42 + "B", "keyin-1."]
)
def test_what_is_no_token_is_no_token(text: str) -> None:
    assert not enrolment_code.is_initial_access_token(text)
    assert enrolment_code.token_of(EnrolmentCode(text)) is None


def content() -> EnrolmentFile:
    return EnrolmentFile(
        issuer="https://cloud.example",
        iat=enrolment_code.new_initial_access_token(b"x" * 32).reveal(),
        site="main hall",
        label="Forty desks",
        expires_at="2026-12-01T00:00:00Z",
        max_uses=40,
    )


def test_a_file_is_signed_and_any_change_is_seen() -> None:
    key, other = new_key(SystemEntropy()), new_key(SystemEntropy())
    text = enrolment_file.write(content(), key)
    read = enrolment_file.read(text)
    assert enrolment_file.key_id(read) == key.public.thumbprint
    assert enrolment_file.is_genuine(read, key.public)
    assert not enrolment_file.is_genuine(read, other.public)
    assert read.token.reveal() not in repr(read)
    changes: dict[str, Any] = {"site": None, "label": "x", "max_uses": 41, "issuer": "https://a"}
    for name, value in changes.items():
        changed = replace(read, **{name: value})
        assert not enrolment_file.is_genuine(changed, key.public), name


@pytest.mark.parametrize(
    "change", [{"v": 2}, {"iat": "iat_short"}, {"expires_at": "tomorrow"}, {"more": 1}]
)
def test_a_file_of_another_shape_is_none(change: dict[str, object]) -> None:
    named = {**msgspec.structs.asdict(content()), **change}
    with pytest.raises(InvalidDocument) as caught:
        enrolment_file.read(msgspec.json.encode(named))
    assert content().iat not in str(caught.value)


def test_details_are_one_computer() -> None:
    details = enrolment.InstallationDetails(client_name="Desk 3", computer_type="public", jkt=JKT)
    assert enrolment.read_details(enrolment.details_text(details)) == details
    assert details.computer() == Computer(name="Desk 3", computer_type="public")
    assert enrolment.details_of(Computer(), name="Desk", jkt=JKT).client_name == "Desk"


ONE = f'{{"type":"gpii_installation","client_name":"x","jkt":"{JKT}"}}'


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", ONE, f"[{ONE},{ONE}]"),
        f"[{ONE.replace('gpii_installation', 'other')}]",
        f"[{ONE.replace('jkt', 'key')}]",
        f"[{ONE.replace(JKT, 'short')}]",
        "[" + ONE.replace("x", r"a\u202eb") + "]",
        "[" + ONE.replace("x", r"a\nb") + "]",
        f"[{ONE.replace('type', 'site', 1)}]",
        f'[{ONE[:-1]},"client_name":"y"}}]',
        f'[{ONE[:-1]},"site":"y"}}]',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidDocument):
        enrolment.read_details(text)


@pytest.mark.parametrize("name", [*enrolment.ADDRESSES, "logo_uri#de"])
def test_a_wish_with_an_address_is_refused(name: str) -> None:
    with pytest.raises(InvalidDocument):
        enrolment.read_request(msgspec.json.encode({name: "http://169.254.169.254/"}))


def test_members_that_nobody_knows_are_ignored() -> None:
    request = enrolment.read_request(b'{"client_name":"x","epoch_claim":7}')
    assert request.client_name == "x"


@given(st.integers(0, 4_000_000_000))
def test_a_moment_is_read_as_it_was_written(seconds: int) -> None:
    moment = Millis(seconds * 1000)
    assert utc_text.millis_of(utc_text.text_of(moment)) == moment
