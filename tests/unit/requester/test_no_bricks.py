"""No failure needs a visit: crashes at each step, clocks, years, lost registrations, copies."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from structlog.testing import capture_logs

from keyin.access_requester import administering, site_file, wiring
from keyin.access_requester.asked import Asked, AskedBefore
from keyin.access_requester.own_identity import OwnIdentity
from keyin.access_requester.registering import end_registration
from keyin.domain.errors import Refused
from keyin.remote.proven_requests import Presented
from keyin.stores import identity_files, private_files
from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key
from tests.fakes.cloud import CREDENTIAL, REVOKE, TOKEN
from tests.fakes.enrolling_cloud import REGISTER
from tests.published_software import statement
from tests.unit.requester.bare_computer import (
    Computer,
    LostAnswer,
    browsing,
    new_computer,
    standing_of,
)

if TYPE_CHECKING:
    from pathlib import Path

YEAR_MS = 365 * 86_400_000


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Kills at the moment of this number: before or after each request and each write."""

    def __init__(self, moment: int) -> None:
        self.left = moment

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


def fated(computer: Computer, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a moment before and after whatever leaves a trace."""
    write, handle = private_files.replace, computer.cloud.handle

    def written(path: Path, content: bytes) -> None:
        fate.step()
        write(path, content)
        fate.step()

    def handled(*request: Any) -> Any:
        fate.step()
        answer = handle(*request)
        fate.step()
        return answer

    monkeypatch.setattr(identity_files, "replace", written)
    monkeypatch.setattr(computer.cloud, "handle", handled)


async def is_known(computer: Computer) -> bool:
    """Tell whether the cloud takes what this computer proves itself with."""
    held = computer.files.held()
    if held is None or computer.wired.service._credential() is None:
        return False
    try:
        await computer.wired.reach.prove(held)
    except Refused:
        return False
    return True


@pytest.fixture
async def computer(tmp_path: Path) -> Computer:
    return new_computer(tmp_path / "computer")


async def test_p85_killed_at_any_moment_of_a_change_of_key_there_is_one_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment in range(1, 60):
        computer = new_computer(tmp_path / str(moment))
        client_id = await computer.enrolled()
        before = computer.files.held()
        fate = Fate(moment)
        with monkeypatch.context() as patched:
            fated(computer, fate, patched)
            with suppress(Killed):
                await computer.ask("rotate")
        assert await is_known(computer), moment
        computer.start()
        assert await is_known(computer), moment
        await computer.settle()
        held = computer.files.held()
        assert held
        assert before
        assert await is_known(computer)
        assert (held.next_key, held.previous_key, held.client_id) == (None, None, client_id)
        assert set(computer.cloud.registered[client_id].keys) == {held.public.thumbprint}
        if fate.left > 0:
            assert held.public != before.public
            assert moment > 15, "so many moments there are at least"
            return
    pytest.fail("it never ended")


async def test_p85_killed_at_any_moment_of_enrolling_the_former_identity_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment in range(1, 40):
        computer = new_computer(tmp_path / str(moment))
        former = await computer.enrolled()
        code, fate = computer.cloud.new_code(), Fate(moment)
        with monkeypatch.context() as patched:
            fated(computer, fate, patched)
            with suppress(Killed, asyncio.CancelledError):
                await computer.ask("enrol_code", code=code)
        with suppress(Killed):
            await computer.wired.administering.close()
        assert await is_known(computer), moment
        was_asked = computer.files.asking() or computer.files.coming()
        computer.start()
        await computer.settle()
        assert await is_known(computer), moment
        assert (computer.files.coming(), computer.files.asking()) == (None, None)
        assert computer.client_id != former or not was_asked, moment
        if computer.client_id == former:
            await computer.ask("enrol_code", code=code)
        assert computer.client_id != former, "the code is never lost"
        assert len(computer.cloud.registered) == 2, moment
        if fate.left > 0:
            assert computer.client_id != former
            assert moment > 8, "so many moments there are at least"
            return
    pytest.fail("it never ended")


async def test_what_a_caller_left_half_done_is_gone_on_with(computer: Computer) -> None:
    """Whoever typed the command pressed Ctrl-C, or the network went away in the middle."""
    await computer.enrolled()
    before = computer.files.held()
    keeping = asyncio.create_task(computer.wired.keeper.run())
    await asyncio.sleep(0.05)
    done: list[str] = []

    def failing(method: str, _path: str) -> Exception | None:
        done.append(method)
        off = method == "PUT" and done.count("PUT") <= 2
        return httpx.ConnectError("off") if off else None

    computer.failing = failing
    with pytest.raises(Refused):
        await computer.ask("rotate")
    async with asyncio.timeout(20):
        while True:
            held = computer.files.held()
            assert held
            assert before
            if held.public != before.public and held.previous_key is None:
                break
            await asyncio.sleep(0.01)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    assert await is_known(computer)


async def test_a_lost_answer_is_asked_for_again(computer: Computer) -> None:
    former, lost = await computer.enrolled(), [LostAnswer(), LostAnswer()]
    computer.failing = lambda _method, path: lost.pop() if path == REGISTER and lost else None
    answer = await computer.ask("enrol_code", code=computer.cloud.new_code())
    assert standing_of(answer) == ("enrolled", True)
    assert len(computer.cloud.registered) == 2, "one each: the former and the new one"
    assert computer.client_id not in {None, former}


async def test_a_cloud_that_stays_away_leaves_the_former_identity(computer: Computer) -> None:
    former = await computer.enrolled()
    computer.clock.times_faster = 5000
    computer.failing = lambda _method, path: LostAnswer() if path == REGISTER else None
    with pytest.raises(Refused) as refused:
        await computer.ask("enrol_code", code=computer.cloud.new_code())
    assert refused.value.code == "cloud_unreachable"
    computer.failing = lambda _method, _path: None
    assert computer.client_id == former
    assert await is_known(computer)


async def test_a_new_identity_that_the_cloud_does_not_take_leaves_the_former(
    computer: Computer,
) -> None:
    former = await computer.enrolled()

    def failing(_method: str, path: str) -> None:
        for client_id, known in computer.cloud.registered.items():
            known.revoked = known.revoked or (path == REVOKE and client_id != former)

    computer.failing = failing
    with pytest.raises(Refused) as refused:
        await computer.ask("enrol_code", code=computer.cloud.new_code())
    assert refused.value.code == "not_taken"
    assert computer.client_id == former
    assert computer.files.coming() is None
    assert await is_known(computer)


async def test_a_cloud_that_goes_away_before_the_proof_is_waited_for(computer: Computer) -> None:
    down = {"yes": True}

    def failing(_method: str, path: str) -> Exception | None:
        return httpx.ConnectError("down") if path == REVOKE and down["yes"] else None

    computer.failing = failing
    asking = asyncio.create_task(computer.ask("enrol_code", code=computer.cloud.new_code()))
    standing = await computer.until("proving")
    while standing["problem"] is None:
        await asyncio.sleep(0.005)
        standing = await computer.ask("enrol_status")
    assert standing["problem"] == "cloud_unreachable"
    down["yes"] = False
    assert standing_of(await asking) == ("enrolled", True)


@pytest.mark.parametrize("hours", [-26, 26, 24 * 800])
async def test_p86_a_wrong_clock_is_named_and_work_goes_on_when_it_is_right(
    computer: Computer, hours: int
) -> None:
    right = computer.clock.wall
    computer.cloud.time = lambda: right / 1000
    computer.clock.wall += hours * 3_600_000
    with pytest.raises(Refused) as refused:
        await computer.ask("enrol")
    assert (refused.value.code, refused.value.fields["seconds"]) == ("clock_skew", hours * 3600)
    computer.clock.wall = right
    begun = await computer.ask("enrol")
    async with browsing(computer.cloud.approve(begun["url"])):
        pass
    assert (await computer.until("enrolled", "failed"))["stage"] == "enrolled"
    # and a computer that has an identity: it is not taken for one that was revoked
    computer.clock.wall += hours * 3_600_000
    computer.start()
    assert await computer.wired.keeper.once() is True
    standing = await computer.ask("enrol_status")
    assert (standing["problem"], standing["fields"]) == ("clock_skew", {"seconds": hours * 3600})
    computer.clock.wall = right
    await computer.settle()
    assert (await computer.ask("enrol_status"))["problem"] is None


async def test_a_site_file_is_used_once_the_clock_is_right(tmp_path: Path) -> None:
    computer = new_computer(tmp_path / "computer", file=str(tmp_path / "site"))
    (tmp_path / "site").write_bytes(computer.cloud.new_file(uses=1))
    (tmp_path / "site").chmod(0o600)
    right = computer.clock.wall
    computer.cloud.time = lambda: right / 1000
    computer.clock.wall -= 20 * YEAR_MS
    await computer.settle(steps=3)
    assert (await computer.ask("enrol_status"))["problem"] == "clock_skew"
    computer.clock.wall = right
    await computer.settle()
    assert await is_known(computer)


@pytest.mark.parametrize("years", [0, 1])
async def test_a_cloud_that_forgot_it_takes_it_back_without_anybody(
    computer: Computer, years: int
) -> None:
    """A cloud restored from yesterday; a year without power: the registration is gone."""
    former = await computer.enrolled()
    del computer.cloud.registered[former], computer.cloud.clients[former]
    computer.clock.wall += years * YEAR_MS
    computer.start()
    await computer.settle()
    assert await is_known(computer)
    assert computer.client_id != former


@pytest.mark.parametrize("returns", ["active", "awaiting", "refused"])
async def test_coming_back_leaves_what_another_cloud_was_asked(
    computer: Computer, returns: str
) -> None:
    former = await computer.enrolled()
    asked = Asked(new_key(SystemEntropy()), Presented(computer.cloud.new_token(), "Bearer"))
    AskedBefore(OwnIdentity(computer.wired.reach)).keep(asked, "https://other.example")
    before = computer.files.asking()
    assert before
    del computer.cloud.registered[former], computer.cloud.clients[former]
    computer.cloud.returns = returns
    computer.start()
    await computer.settle()
    assert (computer.client_id != former) == (returns == "active")
    assert computer.cloud.paths.count(REGISTER) == 2, "it came back, or was not let"
    assert computer.files.asking() == before


async def test_one_yes_of_the_owner_lets_it_back_in(computer: Computer) -> None:
    former = await computer.enrolled()
    del computer.cloud.registered[former], computer.cloud.clients[former]
    computer.cloud.returns = "awaiting"
    computer.start()
    await computer.settle(steps=6)
    standing = await computer.ask("enrol_status")
    assert (standing["stage"], standing["problem"]) == ("awaiting", "awaiting")
    assert computer.client_id == former
    asked = computer.cloud.paths.count(REGISTER)
    computer.start()
    await computer.settle(steps=6)
    assert computer.cloud.paths.count(REGISTER) == asked, "it asks once, and then only looks"
    (client_id,) = computer.cloud.registered
    computer.cloud.registered[client_id].flags = ()
    computer.cloud.registered[client_id].status = "active"
    await computer.settle()
    assert computer.client_id == client_id
    assert await is_known(computer)


async def test_a_computer_that_was_revoked_does_not_knock_on(computer: Computer) -> None:
    client_id = await computer.enrolled()
    computer.cloud.registered[client_id].revoked = True
    computer.start()
    await computer.settle()
    asked = computer.cloud.paths.count(REGISTER)
    assert asked == 2
    await computer.settle()
    assert computer.cloud.paths.count(REGISTER) == asked
    standing = await computer.ask("enrol_status")
    assert standing["problem"] == "not_taken"
    assert computer.client_id == client_id, "its file is left: an owner may change their mind"


async def test_a_key_that_the_restored_cloud_does_not_know_gives_way_to_the_one_before(
    computer: Computer,
) -> None:
    client_id = await computer.enrolled()
    yesterday = dict(computer.cloud.registered[client_id].keys)

    def failing(method: str, _path: str) -> Exception | None:
        done.append(method)
        return httpx.ConnectError("off") if done.count("PUT") == 2 else None

    done: list[str] = []
    computer.failing = failing
    with pytest.raises(Refused):
        await computer.ask("rotate")
    computer.failing = lambda _method, _path: None
    computer.cloud.registered[client_id].keys = yesterday
    computer.start()
    await computer.settle()
    held = computer.files.held()
    assert held
    assert (held.next_key, held.previous_key) == (None, None)
    assert held.public.thumbprint not in yesterday
    assert await is_known(computer)


def upgraded(computer: Computer, patched: pytest.MonkeyPatch, version: str = "99.1") -> None:
    """Start the same computer with another version."""
    patched.setattr(wiring, "version", lambda _name: version)
    computer.start()


def said_of(computer: Computer) -> str | None:
    """Return the version that the cloud knows of."""
    return computer.cloud.registered[computer.client_id or ""].request.software_version


async def test_an_upgraded_computer_says_so_once_and_nothing_else(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_id = await computer.enrolled()
    before = computer.cloud.registered[client_id].request
    for times in (2, 0, 0):  # a look and a PUT; then it is known
        computer.cloud.paths.clear()
        upgraded(computer, monkeypatch)
        await computer.settle()
        await computer.settle()
        asked = [path for path in computer.cloud.paths if path.startswith(REGISTER)]
        assert asked == [f"{REGISTER}/{client_id}"] * times
    after = computer.cloud.registered[client_id].request
    assert after.software_version == "99.1"
    for name in ("client_name", "jwks", "scope", "gpii_installation_id", "grant_types"):
        assert getattr(after, name) == getattr(before, name), name
    assert await is_known(computer)


@pytest.mark.parametrize("says", ["7.1", None], ids=["a version", "no version"])
async def test_who_enrolled_with_a_statement_has_said_its_version(
    tmp_path: Path, says: str | None
) -> None:
    place = tmp_path / "statement.jwt"
    place.write_text(statement(new_key(SystemEntropy()), software_version=says))
    computer = new_computer(tmp_path / "computer", software_statement=str(place))
    computer.cloud.publisher_says = says
    client_id = await computer.enrolled()
    await computer.settle()
    assert f"{REGISTER}/{client_id}" not in computer.cloud.paths


@pytest.mark.parametrize("half", [False, True], ids=["whole", "half changed"])
async def test_p85_killed_at_any_moment_of_saying_its_version_the_identity_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, half: bool
) -> None:
    for moment in range(1, 30):
        computer = new_computer(tmp_path / str(moment))
        await computer.enrolled()
        if half:
            with monkeypatch.context() as patched, suppress(Killed):
                fated(computer, Fate(5), patched)
                await computer.ask("rotate")
        fate = Fate(moment)
        with monkeypatch.context() as patched:
            upgraded(computer, patched)
            fated(computer, fate, patched)
            with suppress(Killed):
                await computer.settle()
        assert await is_known(computer), moment
        with monkeypatch.context() as patched:
            upgraded(computer, patched)
            await computer.settle()
        held = computer.files.held()
        assert held
        assert (said_of(computer), held.next_key, held.previous_key) == ("99.1", None, None)
        assert await is_known(computer)
        if fate.left > 0:
            assert moment > 5, "so many moments there are at least"
            return
    pytest.fail("it never ended")


async def test_a_version_that_cannot_be_said_stops_nothing_and_is_said_ever_more_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "statement.jwt"
    computer = new_computer(tmp_path / "computer")
    client_id = await computer.enrolled()
    computer.more["software_statement"] = str(place)
    place.write_text("no statement")
    upgraded(computer, monkeypatch)
    await computer.settle()
    assert (await computer.ask("enrol_status"))["problem"] == "statement_wrong"
    assert await is_known(computer)
    assert said_of(computer) != "99.1"
    place.write_text("a.good.one")
    computer.failing = lambda method, _path: httpx.ConnectError("off") if method == "PUT" else None
    puts = []
    for _ in range(60):
        computer.clock.waited += 300
        computer.cloud.paths.clear()
        await computer.settle()
        puts.append(computer.cloud.paths.count(f"{REGISTER}/{client_id}"))
        assert (await computer.ask("enrol_status"))["problem"] is None
    assert sum(puts) < 20, "five hours"
    assert sum(puts[-24:]) in {2, 3}, "an hour each at last"
    computer.failing = lambda _method, _path: None
    computer.clock.waited += 3600
    await computer.settle()
    assert said_of(computer) == "99.1"
    place.write_text("a.newer.one")
    await computer.settle()
    assert computer.cloud.registered[client_id].request.software_statement == "a.newer.one"


async def test_a_copied_identity_is_refused_in_plain_words(computer: Computer) -> None:
    client_id = await computer.enrolled()
    computer.machine("b" * 32)
    computer.start()
    asked = len(computer.cloud.paths)
    await computer.settle()
    standing = await computer.ask("enrol_status")
    assert (standing["enrolled"], standing["problem"]) == (False, "copied_identity")
    status = computer.wired.service.status(0)
    assert (status.enrolled, status.problem) == (False, "copied_identity")
    assert len(computer.cloud.paths) == asked, "the cloud hears nothing of a copy"
    fresh = await computer.enrolled()
    assert fresh != client_id
    assert not computer.cloud.registered[client_id].revoked, "the original's is not ended"


async def test_a_sealed_computer_has_no_identity_and_its_copies_enrol_themselves(
    tmp_path: Path,
) -> None:
    computer = new_computer(tmp_path / "computer", file=str(tmp_path / "site"))
    with pytest.raises(Refused) as refused:
        await computer.ask("seal")
    assert refused.value.code == "no_file"
    (tmp_path / "site").write_bytes(computer.cloud.new_file())
    (tmp_path / "site").chmod(0o600)
    file = (tmp_path / "site").read_text()
    await computer.settle()
    first = computer.client_id or ""
    assert not (tmp_path / "site").exists(), "nobody who sits down here finds it"
    with pytest.raises(Refused) as refused:
        await computer.ask("seal")
    assert refused.value.code == "no_file"
    for wrong in ("{}", computer.cloud.new_file(issuer="https://other.example").decode()):
        with pytest.raises(Refused) as refused:
            await computer.ask("seal", file=wrong)
        assert refused.value.code == "file_wrong"
    assert computer.client_id == first
    assert (await computer.ask("seal", file=file))["told_cloud"]
    assert (tmp_path / "site").stat().st_mode & 0o777 == 0o600
    await computer.settle()
    computer.start()
    await computer.settle()
    assert not computer.files.credential.exists(), "not before it is started anew"
    assert computer.cloud.registered[first].revoked
    assert computer.files.sealed()
    assert not list(computer.folder.glob("credential.json"))
    computer.boot(2)
    computer.machine("c" * 32)
    computer.start()
    await computer.settle()
    assert computer.client_id not in {None, first}
    assert computer.files.sealed() is None
    assert not (tmp_path / "site").exists()


async def test_a_file_for_copies_is_left_to_them_whenever_the_keeper_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer = new_computer(tmp_path / "computer", file=str(tmp_path / "site"))
    first, end, looks = await computer.enrolled(), end_registration, []
    await computer.settle()
    let_go = computer.wired.reach.miss

    async def missed() -> None:
        await computer.settle()
        await let_go()

    async def ended(*asked: Any) -> None:
        await computer.settle()
        looks.append((tmp_path / "site").exists())
        await end(*asked)

    monkeypatch.setattr(computer.wired.reach, "miss", missed)
    monkeypatch.setattr(administering, "end_registration", ended)
    assert (await computer.ask("seal", file=computer.cloud.new_file().decode()))["told_cloud"]
    assert looks == [True]
    assert (tmp_path / "site").exists()
    assert (computer.client_id, computer.cloud.registered[first].revoked) == (None, True)


async def test_a_file_that_cannot_be_taken_away_is_told_of_and_breaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer = new_computer(tmp_path / "computer", file=str(tmp_path / "site"))
    (tmp_path / "site").write_bytes(computer.cloud.new_file())
    (tmp_path / "site").chmod(0o600)

    def unwilling(_folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(site_file, "sync_folder", unwilling)
        assert [await computer.wired.keeper.once() for _ in range(3)] == [False, False, True]
    assert await is_known(computer)
    standing = await computer.ask("enrol_status")
    assert (standing["enrolled"], standing["problem"]) == (True, "configuration_error")
    await computer.settle()
    assert (await computer.ask("enrol_status"))["problem"] is None


async def test_a_computer_that_left_does_not_come_back_with_its_sites_file(tmp_path: Path) -> None:
    computer = new_computer(tmp_path / "computer", file=str(tmp_path / "site"))
    await computer.enrolled()
    (tmp_path / "site").write_bytes(computer.cloud.new_file())
    (tmp_path / "site").chmod(0o600)
    assert (await computer.ask("leave"))["told_cloud"]
    await computer.settle()
    assert (computer.client_id, len(computer.cloud.registered)) == (None, 1)


async def test_leaving_asks_for_no_file_where_none_is_and_no_folder(tmp_path: Path) -> None:
    computer = new_computer(tmp_path / "computer", file=str(tmp_path / "none" / "site"))
    await computer.enrolled()
    with capture_logs() as logs:
        assert (await computer.ask("leave"))["told_cloud"]
        await computer.enrolled()
        computer.failing = lambda _method, _path: httpx.ConnectError("off")
        assert not (await computer.ask("leave", offline=True))["told_cloud"]
    assert computer.client_id is None
    assert "enrolment_file_removed" not in {line["event"] for line in logs}


async def test_leaving_tells_the_cloud_and_destroys_the_identity(computer: Computer) -> None:
    client_id = await computer.enrolled()
    computer.failing = lambda _method, _path: httpx.ConnectError("off")
    with pytest.raises(Refused) as refused:
        await computer.ask("leave")
    assert refused.value.code == "cloud_unreachable"
    assert computer.client_id == client_id
    computer.failing = lambda _method, _path: None
    assert (await computer.ask("leave"))["told_cloud"]
    assert not computer.files.credential.exists()
    assert computer.cloud.registered[client_id].revoked
    await computer.enrolled()
    computer.failing = lambda _method, _path: httpx.ConnectError("off")
    assert not (await computer.ask("leave", offline=True))["told_cloud"]
    assert computer.client_id is None


async def test_a_credential_made_by_hand_is_left_to_its_administrator(computer: Computer) -> None:
    computer.files.credential.write_text(json.dumps(CREDENTIAL))
    computer.files.credential.chmod(0o600)
    computer.start()
    await computer.settle()
    assert computer.cloud.paths == []
    for op in ("rotate", "leave"):
        with pytest.raises(Refused) as refused:
            await computer.ask(op)
        assert refused.value.code == "by_hand"
    assert TOKEN not in computer.cloud.paths


async def test_a_file_that_is_not_taken_is_tried_ever_more_seldom(tmp_path: Path) -> None:
    computer = new_computer(tmp_path / "computer", file=str(tmp_path / "site"))
    (tmp_path / "site").write_bytes(computer.cloud.new_file(uses=0))
    (tmp_path / "site").chmod(0o600)
    keeping = asyncio.create_task(computer.wired.keeper.run())
    await computer.clock.sleep(60)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    assert 2 <= computer.cloud.paths.count(REGISTER) <= 6


async def test_a_cloud_that_has_too_much_to_do_is_waited_for_and_not_taken_for_another(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, busy = computer.cloud.handle, [1, 2]

    def handled(method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        if path == REVOKE and busy and busy.pop():
            return 429, {"Retry-After": "17"}, {}
        return handle(method, path, headers, body)

    monkeypatch.setattr(computer.cloud, "handle", handled)
    asking = asyncio.create_task(computer.ask("enrol_code", code=computer.cloud.new_code()))
    standing = await computer.until("proving")
    while standing["problem"] is None:
        await asyncio.sleep(0.005)
        standing = await computer.ask("enrol_status")
    assert standing["problem"] == "rate_limited"
    assert standing_of(await asking) == ("enrolled", True)
