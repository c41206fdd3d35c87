"""P103 at the computer: a publisher's word goes along, and a wrong one destroys nothing."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import SigningKey, new_key
from tests.enrolling_world import World, enrolling_world, software
from tests.properties.requester.bare import Bare, new_bare
from tests.properties.requester.place import needs_other_account
from tests.properties.requester.test_ways_in import go
from tests.published_software import PUBLISHER, SOFTWARE, known, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

SAID = "software_statement = 'statement.jwt'\n"


@pytest.fixture(scope="module")
def publisher() -> SigningKey:
    return new_key(SystemEntropy())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, publisher: SigningKey) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("publishing")
    with enrolling_world(folder, known(publisher, folder)) as one:
        yield one


@pytest.fixture
def bare(request: pytest.FixtureRequest) -> Iterator[Bare]:
    with new_bare(name=request.node.name[:60]) as one:
        one.configure(SAID)
        with one.serving():
            yield one


def put(bare: Bare, text: str, mode: int = 0o644) -> None:
    file = bare.folder / "statement.jwt"
    file.unlink(missing_ok=True)
    file.write_text(text + "\n")
    file.chmod(mode)


@needs_other_account
def test_p103_the_page_names_the_publisher_and_the_word_wins(
    world: World, bare: Bare, publisher: SigningKey
) -> None:
    put(bare, statement(publisher, software_version="7.1"))
    with bare.enrolling("--cloud", world.url) as said:
        url = said.until("begun")["url"]
        page = world.owner.follow(world.owner.get(url.removeprefix(world.url)))
        assert PUBLISHER in page.body.decode()
        assert f"{SOFTWARE} 7.1" in page.body.decode()
        said.until("progress")
    bare.keyin("enrol", "--cancel")
    with bare.enrolling("--cloud", world.url) as said:
        assert go(world.answer(said.until("begun")["url"]))[0] == 303
        said.until("enrolled")
    assert software(world, bare) == f"{SOFTWARE} 7.1"


def test_p103_what_is_wrong_with_a_statement_is_said_and_costs_neither_code_nor_identity(
    world: World, bare: Bare, publisher: SigningKey
) -> None:
    put(bare, statement(publisher))
    first = world.code("With a statement")
    assert bare.enrol("--cloud", world.url, "--code", "-", stdin=first + "\n").code == 0
    before, code = bare.client_id, world.code("With another statement")
    good, past = statement(publisher, software_version="7.2"), int(time.time()) - 5
    for text, mode, error in (
        (statement(new_key(SystemEntropy())), 0o644, "statement_not_taken"),
        (statement(publisher, exp=past), 0o644, "statement_not_taken"),
        (statement(publisher, software_id="other"), 0o644, "release_stopped"),
        (good, 0o666, "statement_wrong"),
        ("no statement", 0o644, "statement_wrong"),
        ("x" * 5000, 0o644, "statement_wrong"),
        ("", 0o644, "statement_wrong"),
    ):
        put(bare, text, mode)
        done = bare.enrol("--again", "--code", "-", stdin=code + "\n")
        assert (done.code, done.error["error"], bare.client_id) == (5, error, before), text
        assert "software_statement" in done.error["next_step"] or error == "release_stopped"
    (bare.folder / "statement.jwt").unlink()
    assert bare.enrol("--again", "--device").error["error"] == "statement_wrong"
    (bare.folder / "statement.jwt").symlink_to(bare.folder / "elsewhere")
    assert bare.enrol("--again", "--device").error["error"] == "statement_wrong"
    put(bare, good)
    done = bare.enrol("--again", "--code", "-", stdin=code + "\n")
    assert (done.code, bare.client_id == before) == (0, False), done
    held = bare.files.held()
    assert held
    assert held.registered
    assert held.registered.told, "nothing is left to tell"
    assert software(world, bare) == f"{SOFTWARE} 7.2"


def test_p103_a_version_that_was_stopped_is_refused_in_plain_words(
    world: World, bare: Bare, publisher: SigningKey
) -> None:
    stopped = world.keyin("software", "stop", SOFTWARE, "6.6.6", "--unseen")
    assert stopped.returncode == 0, stopped.stderr
    put(bare, statement(publisher, software_version="6.6.6"))
    code = world.code("Old release")
    words = ("enrol", "--cloud", world.url, "--code", "-")
    done = bare.keyin(*words, stdin=code + "\n")
    assert done.returncode == 5
    assert "the cloud does not let this version of keyin in: it was stopped" in done.stderr
    assert "Next step: install the version that your cloud's administrator names" in done.stderr
    put(bare, statement(publisher, software_version="6.6.7"))
    assert bare.keyin(*words, stdin=code + "\n").returncode == 0


def test_p103_a_release_whose_channel_was_revoked_is_refused_in_plain_words(
    world: World, bare: Bare, publisher: SigningKey
) -> None:
    made = world.keyin("token", "create", "autumn release", "--channel", "--json")
    put(bare, statement(publisher, channel="autumn release"))
    file = world.file(bare.folder / "desks.iat", uses=2)
    words = ("--cloud", world.url, "--iat-file", file)
    revoked = world.keyin("token", "revoke", json.loads(made.stdout)["id"])
    assert revoked.returncode == 0, revoked.stderr
    done = bare.enrol(*words)
    assert (done.code, done.error["error"], bare.client_id) == (5, "release_stopped", None)
