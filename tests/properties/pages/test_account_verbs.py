"""`keyin account`: the same whether a cloud runs or not; passwords never on a command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.page_place import PASSWORD, page_place
from tests.person import Person
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path


def account(data: Path, *words: str, password: str = "", expect: int = 0) -> dict[str, Any]:
    done = run("account", *words, "--data", data, "--json", stdin=f"{password}\n")
    assert done.returncode == expect, done.stderr
    told: dict[str, Any] = json.loads(done.stdout if expect == 0 else done.stderr)
    assert not password or password not in done.stdout + done.stderr
    return told


def test_accounts_are_looked_after_while_the_cloud_runs(tmp_path: Path) -> None:
    with page_place(tmp_path) as place:
        data = place.cloud.data
        made = account(data, "create", "Béatrice", password=PASSWORD)
        assert made["status"] == "active"
        taken = account(data, "create", "BE\u0301ATRICE", password=PASSWORD, expect=5)
        assert taken["error"] == "name_taken"
        assert [one["name"] for one in account(data, "list")["accounts"]] == ["ada", "Béatrice"]
        person = Person(place)
        assert person.sign_in(name="béatrice").status == 303
        assert account(data, "suspend", "béatrice")["status"] == "suspended"
        assert person.get("/account").status == 303
        assert person.sign_in(name="béatrice").status == 403
        account(data, "resume", "béatrice")
        assert person.sign_in(name="béatrice").status == 303
        account(data, "set-password", "béatrice", password="gravel and a violet tram")
        assert person.get("/account").status == 303
        assert person.sign_in(name="béatrice").status == 403
        assert person.sign_in(name="béatrice", password="gravel and a violet tram").status == 303
    assert [one["name"] for one in account(data, "list")["accounts"]] == ["ada", "Béatrice"]


def test_a_weak_password_and_an_unknown_name_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert account(data, "create", "ada", password="zq7#", expect=5)["error"] == "weak_password"
    weak = account(data, "create", "ada", password="password1234", expect=5)
    assert weak["error"] == "weak_password"
    assert account(data, "create", "\u202e", password=PASSWORD, expect=5)["error"] == "bad_name"
    assert account(data, "suspend", "nobody", expect=5)["error"] == "unknown_account"
    assert account(data, "list") == {"accounts": []}
