"""Who says what a computer's software is, as the person who lets it in is told (P54, P103)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import SigningKey, new_key
from tests.page_place import Place, page_place
from tests.properties.pages.test_approval import asked, decided, text, told
from tests.properties.pages.test_device_approval import looked_up
from tests.published_software import PUBLISHER, SOFTWARE, known, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.new_computer import NewComputer
    from tests.person import Person


@pytest.fixture(scope="module")
def publisher() -> SigningKey:
    return new_key(SystemEntropy())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, publisher: SigningKey) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("publisher")
    sections = known(publisher, folder)
    with page_place(folder, sections=sections, device_code=True) as served:
        yield served


def details(computer: NewComputer, **changes: Any) -> dict[str, Any]:
    return {"authorization_details": json.dumps([computer.details(**changes)])}


def test_p103_a_publishers_word_stands_on_the_question_and_wins_over_the_computers(
    ada: Person, computer: NewComputer, publisher: SigningKey
) -> None:
    signed = statement(publisher, software_version="2.1.0")
    told_of = details(
        computer, software_id="of-mine", software_version="99", software_statement=signed
    )
    page = asked(ada, computer, **told_of)
    said = text(page)
    assert f"Software {SOFTWARE} 2.1.0 Who says so Its publisher, {PUBLISHER}, who has" in said
    assert not {"of-mine", "99"} & set(said.split())
    assert "no publisher has signed it" not in said
    token = computer.redeem(told(decided(ada, page, "approve"))["code"])
    (approved,) = token.json["authorization_details"]
    assert (approved["software_id"], approved["software_version"]) == (SOFTWARE, "2.1.0")
    assert "software_statement" not in approved
    reply = computer.register(token.json["access_token"], software_statement=signed)
    assert reply.status == 201, reply.body
    assert reply.json["software_id"] == SOFTWARE


def test_p103_a_version_that_the_publisher_does_not_name_is_not_in_its_mouth(
    ada: Person, computer: NewComputer, publisher: SigningKey
) -> None:
    signed = statement(publisher, software_version=None)
    page = asked(ada, computer, **details(computer, software_statement=signed))
    assert f"Software {SOFTWARE} Who says so Its publisher" in text(page)


def test_p54_software_that_nobody_signed_is_the_computers_own_word(
    ada: Person, computer: NewComputer
) -> None:
    said = text(asked(ada, computer))
    assert "Software net.keyin 0.5.0 Who says so The computer says so of itself" in said
    assert PUBLISHER not in said


def test_p103_at_a_device_without_a_browser_the_question_is_the_same(
    ada: Person, computer: NewComputer, publisher: SigningKey
) -> None:
    signed = details(computer, software_statement=statement(publisher))
    begun = computer.ask_as_device(**signed)
    assert begun.status == 200, begun.body
    assert f"Its publisher, {PUBLISHER}" in text(looked_up(ada, begun.json["user_code"]))


@pytest.mark.parametrize("way", ["push", "ask_as_device"])
def test_p103_what_is_no_good_statement_is_put_to_nobody(
    computer: NewComputer, publisher: SigningKey, way: str
) -> None:
    other, past = new_key(SystemEntropy()), int(time.time()) - 5
    for bad in (
        *(statement(other), statement(publisher, exp=past), statement(publisher)[:-4] + "AAAA"),
        *(statement(publisher, iss="https://other.example"), "x.y.z", ""),
    ):
        reply = getattr(computer, way)(**details(computer, software_statement=bad))
        assert (reply.status, reply.json["error"]) == (400, "invalid_software_statement"), bad
    another = details(computer, software_statement=statement(publisher, software_id="another"))
    reply = getattr(computer, way)(**another)
    assert (reply.status, reply.json["error"]) == (400, "unapproved_software_statement")
    long = details(computer, software_statement="x" * 4097)
    reply = getattr(computer, way)(**long)
    assert (reply.status, reply.json["error"]) == (400, "invalid_authorization_details")
