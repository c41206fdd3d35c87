"""A cloud with an account, a person's preferences and pages; and how its owner answers, by hand."""

from __future__ import annotations

import json
import re
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

from tests.cloud_process import serving
from tests.page_place import NAME, Place, free_port, make_account
from tests.person import Person, fields
from tests.started import run
from tests.three_processes import KEY, PREFERENCES, REGISTRY, SECRET, documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.cloud_process import Reply
    from tests.properties.requester.bare import Bare

DECISION = "/oauth2/authorize/decision"


@dataclass(frozen=True)
class World:
    """What runs, and the person who owns the computers."""

    place: Place
    owner: Person

    @property
    def url(self) -> str:
        return self.place.issuer

    @property
    def data(self) -> Path:
        return self.place.cloud.data

    def answer(self, url: str, decision: str = "approve", **changes: str) -> str:
        """Answer on the page that a computer's browser shows; return where it is sent, or shown."""
        page = self.owner.follow(self.owner.get(url.removeprefix(self.url)))
        assert page.status == 200, page.body
        form = {**fields(page), "computer_type": "public", "site": "", **as_asked(page)}
        reply = self.owner.post(DECISION, {**form, "decision": decision, **changes})
        return reply.headers.get("location") or reply.body.decode()

    def type_code(self, user_code: str) -> None:
        """Type what a computer shows, and approve."""
        entry = self.owner.get("/device")
        page = self.owner.post("/device", {**fields(entry), "code": user_code})
        form = {**fields(page), "computer_type": "public", "site": "", **as_asked(page)}
        done = self.owner.post("/device/decision", {**form, "decision": "approve"})
        assert done.status in {200, 303}, done.body

    def code(self, name: str) -> str:
        """Get a one-time code from its page, for a computer that will be called so."""
        proof = {"form_proof": fields(self.owner.get("/account"))["form_proof"]}
        form = {"name": name, "type": "private", "life": "10", **proof}
        page = self.owner.post("/manage/enrolment-codes", form).body.decode()
        (code,) = re.findall(r"keyin-1\.[\w-]{43}\.[\w-]{6}", page)
        return str(code)

    def file(self, path: Path, *more: object, uses: int = 40) -> Path:
        """Have an enrolment file written."""
        done = self.keyin("token", "create", "Reading room", "--file", path, "--uses", uses,
                          "--owner", NAME, *more)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return path

    def keyin(self, *words: object) -> Any:
        return run(*words, "--data", self.data)

    def clients(self) -> list[dict[str, Any]]:
        listed = self.keyin("client", "list", "--json")
        assert listed.returncode == 0, listed.stderr
        found = json.loads(listed.stdout)
        clients: list[dict[str, Any]] = found["clients"] if isinstance(found, dict) else found
        return clients


def software(world: World, bare: Bare) -> str:
    shown = world.keyin("client", "show", bare.client_id, "--json")
    assert shown.returncode == 0, shown.stderr
    return str(json.loads(shown.stdout)["client"]["software"])


def as_asked(page: Reply) -> dict[str, str]:
    """Leave the computer's name as it stands in the form."""
    (name,) = re.findall(r'name="client_name" value="([^"]*)"', page.body.decode())
    return {"client_name": unescape(name)}


def fill(folder: Path) -> Path:
    """Make a store with a person's key and preferences, and an account; return its folder."""
    data = folder / "cloud"
    (folder / "linux.json5").write_text(json.dumps(REGISTRY))
    (folder / "documents.json").write_text(json.dumps(documents(KEY, SECRET, PREFERENCES)))
    done = run("cloud", "import", "--data", data, "--solutions", folder / "linux.json5",
               folder / "documents.json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    make_account(data)
    return data


@contextmanager
def cloud_at(
    data: Path, port: int, more: str = "", environment: Mapping[str, str] | None = None
) -> Iterator[Place]:
    """Serve a store at an address of one's choice, again and again."""
    config = data.parent / "cloud.toml"
    config.write_text(f"device_code = true\n{more}")
    tomllib.loads(config.read_text())
    issuer = f"http://127.0.0.1:{port}"
    arguments = ("--issuer", issuer, "--config", config)
    listen = f"127.0.0.1:{port}"
    with serving(data, *arguments, listen=listen, environment=environment) as cloud:
        yield Place(cloud, issuer)


@contextmanager
def world_at(
    data: Path, port: int, environment: Mapping[str, str] | None = None
) -> Iterator[World]:
    """Serve a store as `cloud_at` does, to a person who has not signed in."""
    with cloud_at(data, port, environment=environment) as place:
        yield World(place, Person(place))


@contextmanager
def enrolling_world(folder: Path, more: str = "") -> Iterator[World]:
    """Serve it, and sign its owner in."""
    data = fill(folder)
    with cloud_at(data, free_port(), more) as place:
        owner = Person(place)
        assert owner.sign_in().status == 303
        yield World(place, owner)
