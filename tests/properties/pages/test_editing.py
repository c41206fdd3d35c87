"""A person gives a computer another name, type or site, within their reach (M5, P96)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.managed_place import ANNEXE, CELLAR, LIBRARY, ManagedPlace, managed_place
from tests.person import Person, fields
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud_process import Reply


@pytest.fixture
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedPlace]:
    with managed_place(tmp_path_factory.mktemp("editing")) as served:
        yield served


@pytest.fixture
def ada(scene: ManagedPlace) -> Person:
    person = Person(scene.place)
    assert person.sign_in().status == 303
    return person


def path(scene: ManagedPlace, name: str) -> str:
    return f"/manage/installations/{scene.computers[name]}"


def changed(scene: ManagedPlace, person: Person, which: str, **changes: str) -> Reply:
    page = person.get(f"{path(scene, which)}/edit")
    assert page.status == 200, page.body
    form = {**fields(page), "name": f"Desk {which}", "type": "stay", "site": "stay", **changes}
    return person.post(f"{path(scene, which)}/edit", form)


def record(scene: ManagedPlace, name: str) -> tuple[Any, ...]:
    query = (
        "SELECT c.name, c.computer_type, c.site, o.site FROM clients AS c "
        "JOIN credentials AS o ON o.client_id = c.id WHERE c.id = ?"
    )
    (row,) = scene.place.query(query, scene.computers[name])
    return row


def test_a_computer_gets_another_name_type_and_site_and_keeps_working(
    scene: ManagedPlace, ada: Person
) -> None:
    wish = {"name": "By the window", "type": "staff", "site": f"at:{LIBRARY}"}
    reply = changed(scene, ada, "own", **wish)
    assert (reply.status, reply.headers["location"]) == (303, path(scene, "own"))
    assert record(scene, "own") == ("By the window", "staff", LIBRARY, LIBRARY)
    assert scene.status("own") == "active"
    ((count,),) = scene.place.query(
        "SELECT count(*) FROM client_keys WHERE kid = ? AND status = 'active'", scene.keys["own"]
    )
    assert count == 1
    events = [json.loads(row[0]) for row in scene.place.query("SELECT event FROM audit")]
    (event,) = [one for one in events if one.get("client") == scene.computers["own"]]
    assert (event["act"], event["detail"]) == ("registration.changed", {"to_site": LIBRARY})
    assert changed(scene, ada, "own", site="none").status == 303
    assert record(scene, "own")[2:] == (None, None)


def test_of_two_at_once_the_second_is_told_so(scene: ManagedPlace, ada: Person) -> None:
    assert changed(scene, ada, "own", name="First").status == 303
    assert changed(scene, ada, "own", name="Second", version="0").status == 409
    assert record(scene, "own")[0] == "First"
    for odd in ("", "-1", "x", "9" * 30):
        assert changed(scene, ada, "own", version=odd).status == 400
    assert record(scene, "own")[0] == "First"


def test_a_name_is_its_owners_once(scene: ManagedPlace, ada: Person) -> None:
    reply = changed(scene, ada, "own", name="Desk own_too")
    assert reply.status == 400
    assert b"You have another computer of this name" in reply.body
    assert b'value="Desk own_too"' in reply.body
    for bad in ("", " ", "x" * 81, "two\nlines", "turned \u202e round"):
        assert changed(scene, ada, "own", name=bad).status == 400
    assert record(scene, "own")[0] == "Desk own"


def test_a_name_is_judged_as_where_the_computer_was_let_in(
    scene: ManagedPlace, ada: Person
) -> None:
    for bad in ("by the\u200b window", "x" * 101):
        reply = changed(scene, ada, "own", name=bad)
        assert reply.status == 400
        assert b"Enter a name of at most 80 characters, on one line." in reply.body
    assert changed(scene, ada, "own", name=" By  the\twindow ").status == 303
    assert record(scene, "own")[0] == "By the window"


def test_p96_a_computer_goes_to_sites_within_reach_alone(scene: ManagedPlace, ada: Person) -> None:
    before = scene.everything()
    for site in (f"at:{CELLAR}", f"at:{ANNEXE}", "at:", CELLAR, "", "at:nowhere known"):
        assert changed(scene, ada, "own", site=site).status == 400, site
    nobodys = changed(scene, ada, "managed", site="none")
    assert nobodys.status == 403  # it would be nobody's: it has no owner
    assert scene.everything() == before


def test_nothing_comes_to_stand_where_a_site_is_stopped(scene: ManagedPlace, ada: Person) -> None:
    data = scene.place.cloud.data
    for word in ("create", "suspend"):
        done = run("site", word, LIBRARY, "--data", data)
        assert done.returncode == 0 or word == "create", done.stderr
    assert changed(scene, ada, "own", site=f"at:{LIBRARY}").status == 409
    assert record(scene, "own")[2] is None


def test_what_did_not_register_itself_or_is_over_is_not_changed(
    scene: ManagedPlace, ada: Person
) -> None:
    page = ada.get(f"{path(scene, 'own')}/edit")
    scene.place.query("UPDATE clients SET status = 'revoked' WHERE id = ?", scene.computers["own"])
    form = {**fields(page), "name": "New", "type": "stay", "site": "stay"}
    assert ada.post(f"{path(scene, 'own')}/edit", form).status == 409
    assert ada.get(f"{path(scene, 'own')}/edit").status == 409
    assert "/edit" not in ada.get(path(scene, "own")).body.decode()
    scene.place.query("DELETE FROM registrations WHERE client_id = ?", scene.computers["own_too"])
    assert ada.get(f"{path(scene, 'own_too')}/edit").status == 409
