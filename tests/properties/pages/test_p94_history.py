"""Owners see what was done with their computers, when, by whom, and from where (P94)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.new_computer import NewComputer
from tests.person import Person, fields
from tests.properties.pages.test_approval import approved, text
from tests.started import run

if TYPE_CHECKING:
    from tests.page_place import Place

LIST = "/manage/installations"


def enrolled(place: Place, ada: Person, name: str) -> tuple[str, str]:
    """Enrol and prove a computer; return the id of its record, and its own."""
    computer = NewComputer(place.cloud, place.issuer, name=name)
    token = computer.redeem(approved(ada, computer, client_name=name)).json["access_token"]
    reply = computer.register(token)
    assert reply.status == 201, reply.body
    form = {"token": "x", **computer.assertion(reply.json["client_id"])}
    assert computer.post("/oauth2/revoke", form, proven=False).status == 200
    ((id_,),) = place.query("SELECT id FROM clients WHERE name = ?", name)
    return id_, reply.json["client_id"]


def test_p94_an_owner_sees_what_was_done_with_a_computer_by_whom_and_from_where(
    ada: Person, place: Place
) -> None:
    id_, own = enrolled(place, ada, "Seen desk")
    stop = ada.get(f"{LIST}/{id_}/suspend")
    ada.post(f"{LIST}/{id_}/suspend", {**fields(stop), "reason": "lost"})
    done = run("client", "resume", own, "--data", place.cloud.data)
    assert done.returncode == 0, done.stderr
    said = text(ada.get(f"{LIST}/{id_}"))
    past = said[said.index("What was done with it") :]
    for part in (
        "Stopped for a while, by you; It was lost or stolen; from 127.0.0.0/24",
        "Let go on, by an administrator",
        "Counts from now on, by the computer itself",
    ):
        assert part in past, past
    assert past.index("Let go on") < past.index("Stopped for a while") < past.index("Enrolled")
    today = str(place.query("SELECT date('now')")[0][0])
    assert f"127.0.0.0/24 : first {today}, last {today}" in said


def test_p94_the_day_of_a_network_moves_on_and_no_use_is_told_by_name(
    ada: Person, place: Place
) -> None:
    id_, _ = enrolled(place, ada, "Old desk")
    place.query("UPDATE client_networks SET first = 0, last = NULL WHERE client_id = ?", id_)
    assert "127.0.0.0/24 : first 1970-01-01, last 1970-01-01" in text(ada.get(f"{LIST}/{id_}"))
    body = ada.get(f"{LIST}/{id_}").body.decode()
    ((account,),) = place.query("SELECT id FROM accounts LIMIT 1")
    assert json.dumps(account)[1:-1] not in body
