"""People look after computers with two workers on one database: a page may come from either."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from keyin.wire import enrolment_file
from tests import postgres
from tests.new_computer import NewComputer
from tests.page_place import NAME, PASSWORD, Place, page_place
from tests.person import SESSION, Person, fields
from tests.properties.pages.test_p101_accounts import begin, confirm, halfway, second
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = postgres.needs_postgres


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    data = postgres.shared(tmp_path / "data")
    for words in (
        ("account", "create", NAME),
        ("site", "create", "Hall"),
        ("site", "member", "add", "Hall", NAME),
    ):
        done = run(*words, "--data", data, stdin=f"{PASSWORD}\n")
        assert done.returncode == 0, done.stderr
    with page_place(tmp_path) as served:
        yield served


def test_p101_a_second_step_counts_at_every_worker_once(place: Place) -> None:
    person = Person(place)
    person.sign_in()
    telephone = begin(person)
    papers = confirm(person, telephone)
    code = telephone.code()
    signed_in = []
    for given in (code, code, code, papers[0], papers[0]):
        other, page = halfway(place)
        assert second(other, page, given).status in {303, 403}
        signed_in.append(SESSION in other.cookies)
    assert signed_in == [True, False, False, True, False]


def test_a_file_of_the_page_enrols_and_what_came_of_it_is_looked_after(place: Place) -> None:
    person = Person(place)
    person.sign_in()
    confirm(person, begin(person))
    proof = {"form_proof": fields(person.get("/account"))["form_proof"]}
    form = {"label": "Room", "type": "public", "uses": "2", "days": "7", "site": "Hall", **proof}
    reply = person.post("/manage/initial-access-tokens", form)
    assert reply.status == 200, reply.body
    token = enrolment_file.read(reply.body).iat
    computer = NewComputer(place.cloud, place.issuer)
    assert computer.register(token, scheme="Bearer").status == 201
    page = person.get("/manage/installations?text=DESK&site=Hall").body.decode()
    (path,) = re.findall(r'scope="row"><a href="(/manage/installations/[^"]+)"', page)
    assert computer.fingerprint in page
    assert person.get("/manage/installations?text=%00%25").status == 200
    assert person.get("/manage/installations/c_%00").status == 404
    (where,) = re.findall(
        r'scope="row"><a href="([^"]+)"', person.get("/manage/initial-access-tokens").body.decode()
    )
    assert "1 of 2" in person.get(where).body.decode()
    ended = person.post(f"{where}/revoke", {**proof, "descendants": "yes"})
    assert ended.status == 303
    for _ in range(4):
        assert "Revoked" in person.get(path).body.decode()
    assert NewComputer(place.cloud, place.issuer).register(token, scheme="Bearer").status == 401
