"""From key to settings: what is asked of whom, what is dropped, and what fails without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from keyin.domain.errors import HandlerFailed, InvalidDocument, Refused
from keyin.domain.keyin import Kind
from keyin.domain.registry_trust import CloudRegistry
from keyin.domain.secret import GpiiKey
from keyin.session.sender import Sender, Senders
from keyin.wire.signing_key import new_key
from tests.fakes.flow_manager import SOLUTION, Neighbours, Played, document, running

if TYPE_CHECKING:
    from pathlib import Path

ALICE = GpiiKey("alice")


async def login(played: Played, key: GpiiKey = ALICE) -> object:
    return await played.manager.desk.submit(Kind.LOGIN, key, request_id="request-1")


async def logout(played: Played) -> object:
    return await played.manager.desk.submit(Kind.LOGOUT, None, request_id="request-2")


async def test_one_request_id_reaches_requester_and_cloud(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        await login(played)
        assert played.settings == {"loud": 7}
        assert played.neighbours.asked == [("token", "request-1"), ("settings", "request-1")]


async def test_p68_the_token_is_forgotten_at_key_out(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        await login(played)
        await logout(played)
        assert played.neighbours.asked[-1] == ("forget", "request-2")
        assert played.neighbours.tokens == {}
        assert played.settings == {"loud": 3}


async def test_p68_at_key_out_the_key_of_the_proofs_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Sender] = []

    def watched(senders: Senders) -> Sender:
        made.append(Sender(new_key(senders.entropy), senders))
        return made[-1]

    monkeypatch.setattr(Senders, "passing", watched)
    async with running(tmp_path, doors=False) as played:
        await login(played)
        assert [sender._key is not None for sender in made] == [True]  # somebody is keyed in
        await logout(played)
        assert [sender._key for sender in made] == [None]
        played.neighbours.refused["bob"] = Refused("key_refused", "no")
        with pytest.raises(Refused):
            await login(played, GpiiKey("bob"))
        await played.manager.desk.preview(ALICE, request_id="request-3")
        assert [sender._key for sender in made] == [None, None, None]
        with pytest.raises(LookupError):
            made[0].proof("GET", "https://cloud.example")


async def test_p11_each_key_in_has_a_key_of_its_own(tmp_path: Path) -> None:
    async with running(tmp_path, Neighbours(stale={"token-1"}), doors=False) as played:
        await login(played)  # asks twice, since the first token is not accepted
        assert len(played.neighbours.senders) == 4
        assert len(set(played.neighbours.senders)) == 1
        await logout(played)
        await login(played)
        assert len(set(played.neighbours.senders)) == 2


async def test_p68_the_token_is_forgotten_when_the_login_fails(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        played.neighbours.document = {"no": "members"}
        with pytest.raises(InvalidDocument):
            await login(played)
        assert played.neighbours.tokens == {}


async def test_a_token_that_is_not_accepted_is_dropped_and_asked_for_once_more(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, Neighbours(stale={"token-1"}), doors=False) as played:
        await login(played)
        asked = [what for what, _ in played.neighbours.asked]
        assert asked == ["token", "settings", "forget", "token", "settings"]
        assert played.settings == {"loud": 7}


async def test_it_is_asked_for_only_once_more(tmp_path: Path) -> None:
    async with running(tmp_path, Neighbours(stale={"token-1", "token-2"}), doors=False) as played:
        with pytest.raises(Refused, match="no"):
            await login(played)
        assert played.neighbours.issued == 2
        assert played.settings == {"loud": 3}


async def test_nobody_contacts_nobody(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        await login(played, GpiiKey("noUser"))
        assert await played.manager.desk.preview(GpiiKey("noUser"), request_id="r") == ([], [])
        assert played.neighbours.asked == []


async def test_a_failure_while_applying_is_undone_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        entries = document({"loud": 7, "fails": 1})
        second = {**entries["solutionsRegistryEntries"][SOLUTION]}
        entries["solutionsRegistryEntries"]["net.example.bad"] = {
            "settingsHandlers": {"all": {"type": "test.bad"}}
        }
        applications = entries["matchMakerOutput"]["inferredConfiguration"]["gpii-default"]
        uri = "http://registry.gpii.net/applications/net.example.bad"
        applications["applications"]["net.example.bad"] = {
            "active": True,
            "settings": {uri: {"x": 1}},
        }
        assert second
        played.neighbours.document = entries
        played.stores.fails = lambda block: block.type == "test.bad"
        played.stores.message = "it broke"
        with pytest.raises(HandlerFailed, match="it broke"):
            await login(played)
        assert played.settings == {"loud": 3}
        assert played.manager.desk.active().reveal() == "noUser"
        assert played.journal.sessions == {}


async def test_what_nothing_takes_is_passed_over_and_told(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        played.stores.without = frozenset({"gpii.exotic"})
        played.neighbours.document = document({"loud": 7}, type_="gpii.exotic")
        done = await played.manager.desk.submit(Kind.LOGIN, ALICE, request_id="request-1")
        assert [(item.solution, item.type) for item in done.applied.passed] == [
            (SOLUTION, "gpii.exotic")
        ]
        assert played.stores.calls == []


async def test_a_preview_writes_nothing_anywhere(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        before = dict(played.settings)
        differences, _ = await played.manager.desk.preview(ALICE, request_id="request-1")
        assert [(item.setting, item.now, item.then) for item in differences] == [("loud", 3, 7)]
        assert played.settings == before
        assert played.stores.calls == []
        assert played.journal.appended == 0
        assert played.neighbours.tokens == {}


async def test_what_the_person_changed_meanwhile_stays(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        played.neighbours.document = document({"loud": 7, "other": "new"})
        await login(played)
        played.settings["loud"] = 5
        await logout(played)
        assert played.settings == {"loud": 5}


async def test_what_cannot_be_put_back_is_tried_again_at_the_next_key_in(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        await login(played)
        played.stores.fails = lambda _block: True
        played.stores.message = "busy"
        with pytest.raises(HandlerFailed, match="1 settings"):
            await logout(played)
        assert played.manager.desk.state().not_restored == 1
        assert len(played.journal.sessions) == 1
        played.stores.fails = lambda _block: False
        await login(played, GpiiKey("bob"))
        assert played.manager.desk.state().not_restored == 0
        await logout(played)
        assert played.settings == {"loud": 3}
        assert played.journal.sessions == {}


async def test_the_cloud_s_registry_need_not_be_trusted(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        msgspec.structs.force_setattr(played.manager.sessions, "cloud_registry", CloudRegistry.NONE)
        await login(played)
        assert played.stores.calls == []


async def test_no_journal_entry_holds_the_key_or_the_new_values(tmp_path: Path) -> None:
    async with running(tmp_path, doors=False) as played:
        played.neighbours.document = document({"loud": "canary-new-value"})
        await login(played, GpiiKey("canary-key-0123"))
        written = b"\n".join(line for lines in played.journal.sessions.values() for line in lines)
        assert b"loud" in written
        assert b"canary" not in written
