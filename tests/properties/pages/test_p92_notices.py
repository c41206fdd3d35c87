"""What happens to computers is told to whoever answers for them, on their own page (P92, P7)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyin.wire.enrolment_code import EnrolmentCode, token_of
from tests.new_computer import NewComputer
from tests.page_place import NAME, page_place
from tests.person import Person
from tests.properties.pages.test_approval import approved, asked, decided
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.page_place import Place


def told(place: Place, name: str) -> list[str]:
    """Return the kinds of what was told of a computer or a token, in their order."""
    query = "SELECT kind FROM notices WHERE name = ? ORDER BY seq"
    return [kind for (kind,) in place.query(query, name)]


def enrolled(person: Person, computer: NewComputer, name: str) -> tuple[str, str]:
    """Go the whole way; return the code and the new client's id."""
    code = approved(person, computer, client_name=name)
    token = computer.redeem(code).json["access_token"]
    computer.name = name
    reply = computer.register(token)
    assert reply.status == 201, reply.body
    return code, reply.json["client_id"]


def test_p92_a_computer_that_comes_and_goes_is_told(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    _, client_id = enrolled(ada, computer, "Comes")
    assert told(place, "Comes") == ["registered"]
    where = ("--yes", "--data", place.cloud.data)
    assert run("client", "revoke", client_id, "--reason", "lost", *where).returncode == 0
    assert told(place, "Comes") == ["registered", "revoked"]


def test_a_name_that_another_computer_has_is_said_before_anything_is_decided(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    enrolled(ada, computer, "Has the name")
    other = NewComputer(place.cloud, place.issuer)
    page = asked(ada, other)
    refused = decided(ada, page, "approve", client_name="Has the name")
    assert refused.status == 400
    assert 'href="#client_name"' in refused.body.decode()
    assert decided(ada, page, "approve", client_name="Has another").status == 303
    again = NewComputer(place.cloud, place.issuer, installation=computer.installation)
    page = asked(ada, again)
    assert decided(ada, page, "approve", client_name="Has the name").status == 303


def test_p07_a_code_that_comes_twice_takes_a_computer_back_that_was_registered_with_it(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    code, client_id = enrolled(ada, computer, "Copied")
    assert computer.redeem(code).json["error"] == "invalid_grant"
    ((status,),) = place.query(
        "SELECT status FROM clients WHERE id = (SELECT client_id FROM credentials "
        "WHERE oauth2_client_id = ?)",
        client_id,
    )
    assert status == "revoked"
    assert told(place, "Copied") == ["registered", "code_used_twice"]


def test_p92_a_code_is_told_when_it_is_made_and_when_two_had_it(
    computer: NewComputer, place: Place
) -> None:
    done = run(
        *("token", "create", "By hand", "--owner", NAME, "--json", "--data", place.cloud.data)
    )
    assert done.returncode == 0, done.stderr
    assert told(place, "By hand") == ["token_made"]
    code = json.loads(done.stdout)["code"]
    token = token_of(EnrolmentCode(code))
    assert token is not None
    assert computer.register(token.reveal(), scheme="Bearer").status == 201
    thief = NewComputer(place.cloud, place.issuer, name="Thief")
    assert thief.register(token.reveal(), scheme="Bearer").status == 401
    assert told(place, "By hand") == ["token_made", "registered", "token_used_twice"]


def test_p92_what_was_told_stands_on_the_persons_own_page(
    ada: Person, computer: NewComputer
) -> None:
    enrolled(ada, computer, "Seen")
    page = ada.get("/manage/installations").body.decode()
    assert "A new computer was enrolled." in page
    assert "Seen" in page


def test_p92_a_file_is_told_when_it_is_used_up_and_not_at_each_computer(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "two.iat"
    done = run(
        *("token", "create", "For two", "--file", file, "--uses", 2, "--owner", NAME),
        *("--data", place.cloud.data),
    )
    assert done.returncode == 0, done.stderr
    token = json.loads(file.read_text())["iat"]
    for number in range(3):
        computer = NewComputer(place.cloud, place.issuer, name=f"Of a file {number}")
        assert computer.register(token, scheme="Bearer").status == (201 if number < 2 else 401)
    assert told(place, "For two") == ["token_made", "token_used_up"]
    assert told(place, "Of a file 0") == []


def test_p92_a_computer_that_asks_from_a_new_network_is_told_once_a_day(tmp_path: Path) -> None:
    with page_place(tmp_path, more=("--trusted-proxy", "127.0.0.0/8")) as place:
        person, computer = Person(place), NewComputer(place.cloud, place.issuer)
        assert person.sign_in().status == 303
        _, client_id = enrolled(person, computer, "Moves about")

        def ask(address: str) -> None:
            assertion = computer.assertion(client_id)
            form = {"token": "x", **assertion}
            headers = {"DPoP": computer.proof("POST", "/oauth2/revoke")}
            reply = place.cloud.form(
                "/oauth2/revoke", form, {**headers, "X-Forwarded-For": address}
            )
            assert reply.status == 200, reply.body

        for address in ("192.0.2.7", "192.0.2.99", "198.51.100.7", "203.0.113.7", "192.0.2.7"):
            ask(address)
        assert told(place, "Moves about") == ["registered", "new_network"]
        query = "SELECT address FROM notices WHERE kind = 'new_network'"
        assert place.query(query) == [("198.51.100.7",)]
        ((count,),) = place.query("SELECT count(*) FROM client_networks")
        assert count == 3
