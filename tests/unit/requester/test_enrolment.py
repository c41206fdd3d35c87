"""The ways in against a fake cloud: what a person sees, what fails, and what stays when it does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from keyin.domain.errors import Refused
from keyin.wire.key_fingerprint import key_fingerprint
from tests.fakes.enrolling_cloud import DEVICE, PAR, REGISTER
from tests.unit.requester.bare_computer import Computer, browsing, new_computer, standing_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def computer(tmp_path: Path) -> Computer:
    return new_computer(tmp_path / "computer")


async def refused(computer: Computer, op: str, **fields: object) -> str:
    with pytest.raises(Refused) as caught:
        await computer.ask(op, **fields)
    return caught.value.code


async def test_a_browser_comes_back_and_the_computer_is_enrolled(computer: Computer) -> None:
    begun = await computer.ask("enrol")
    assert begun["url"].startswith("https://cloud.example/oauth2/authorize?client_id=keyin-enrol&")
    assert set(begun) == {"ok", "url", "fingerprint", "expires_in", "user_code"}
    async with browsing(computer.cloud.approve(begun["url"])) as answer:
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "https://cloud.example/enrolled?ok=1",
        )
    standing = await computer.until("enrolled", "failed")
    assert standing_of(standing) == ("enrolled", True), standing
    held = computer.files.held()
    assert held
    assert held.registered
    assert (standing["client_id"], standing["name"]) == (held.client_id, "Desk 3")
    assert standing["fingerprint"] == begun["fingerprint"]
    assert begun["fingerprint"] == key_fingerprint(held.public.thumbprint)
    assert computer.cloud.registered[held.client_id or ""].status == "active"
    assert computer.files.coming() is None


@pytest.mark.parametrize("nonce", [None, "n0nce"])
async def test_a_nonce_is_taken_up_once(computer: Computer, nonce: str | None) -> None:
    computer.cloud.nonce = nonce
    begun = await computer.ask("enrol")
    async with browsing(computer.cloud.approve(begun["url"])):
        pass
    assert (await computer.until("enrolled", "failed"))["stage"] == "enrolled"
    assert computer.cloud.paths.count(PAR) == (2 if nonce else 1)
    assert computer.cloud.paths.count(REGISTER) == 1


async def test_p72_a_wrong_state_uses_nothing_up_and_many_end_it(computer: Computer) -> None:
    begun = await computer.ask("enrol")
    right = computer.cloud.approve(begun["url"])
    for count in range(20):
        async with browsing(right.replace("state=", f"state=x{count}")) as answer:
            assert (answer.status_code, answer.content) == (404, b"")
    async with browsing(right) as answer:
        assert answer.status_code == 303
    assert (await computer.until("enrolled", "failed"))["stage"] == "enrolled"
    begun = await computer.ask("enrol")
    right = computer.cloud.approve(begun["url"])
    with pytest.raises(httpx.HTTPError):  # noqa: PT012 - the port is closed on the way
        for count in range(40):
            async with browsing(right.replace("state=", f"state=x{count}")):
                pass
    standing = await computer.until("failed")
    assert (standing["problem"], standing["enrolled"]) == ("interfered", True)


async def test_p70_the_port_closes_after_one_answer_and_after_five_minutes(
    computer: Computer,
) -> None:
    begun = await computer.ask("enrol")
    right = computer.cloud.approve(begun["url"])
    async with browsing(right):
        pass
    await computer.until("enrolled")
    with pytest.raises(httpx.ConnectError):
        async with browsing(right):
            pass
    computer.clock.times_faster = 1000
    begun = await computer.ask("enrol")
    right = computer.cloud.approve(begun["url"])
    standing = await computer.until("failed")
    assert (standing["problem"], standing["enrolled"]) == ("expired", True)
    assert 295 < computer.clock.waited < 340
    with pytest.raises(httpx.ConnectError):
        async with browsing(right):
            pass


async def test_p09_an_answer_of_another_issuer_is_not_listened_to(computer: Computer) -> None:
    begun = await computer.ask("enrol")
    right = computer.cloud.approve(begun["url"])
    for wrong in (right.replace("iss=https%3A%2F%2Fcloud", "iss=https%3A%2F%2Fevil"), right[:-40]):
        async with browsing(wrong) as answer:
            assert answer.status_code == 404
    async with browsing(right) as answer:
        assert answer.status_code == 303


async def test_a_no_ends_it_and_takes_nothing_away(computer: Computer) -> None:
    before = await computer.enrolled()
    begun = await computer.ask("enrol")
    right = computer.cloud.approve(begun["url"])
    no = right.split("code=", maxsplit=1)[0] + "error=access_denied&" + right.partition("&")[2]
    async with browsing(no) as answer:
        assert answer.headers["location"].endswith("/enrolled?error=access_denied")
    standing = await computer.until("failed")
    assert (standing["problem"], standing["client_id"]) == ("denied", before)


async def test_a_device_code_is_asked_for_until_somebody_decides(computer: Computer) -> None:
    begun = await computer.ask("enrol_device")
    assert begun["user_code"] == "WDJB-MJHT"
    await asyncio.sleep(0.02)
    assert (await computer.ask("enrol_status"))["stage"] == "waiting"
    computer.cloud.type_code(begun["user_code"])
    assert (await computer.until("enrolled", "failed"))["stage"] == "enrolled"
    begun = await computer.ask("enrol_device")
    computer.cloud.type_code(begun["user_code"], yes=False)
    assert (await computer.until("failed"))["problem"] == "denied"
    computer.cloud.device_code = False
    computer.wired.reach.enrolling._metadata.forget()  # as after a 404
    assert await refused(computer, "enrol_device") == "not_offered"
    assert computer.cloud.paths.count(DEVICE) == 2


async def test_a_code_is_checked_before_anybody_is_asked(computer: Computer) -> None:
    code = computer.cloud.new_code()
    for wrong in (code[:-1], code.replace("keyin-1", "keyin-2"), "x", code[:20] + "A" + code[21:]):
        if wrong != code:
            assert await refused(computer, "enrol_code", code=wrong) == "code_wrong"
    assert computer.cloud.paths == []
    answer = await computer.ask("enrol_code", code=f"  {code[:30]}\n{code[30:]} ")
    assert standing_of(answer) == ("enrolled", True)
    assert await refused(computer, "enrol_code", code=code) == "not_taken"
    assert (await computer.ask("enrol_status"))["enrolled"]


async def test_a_code_takes_the_place_of_the_browsers_way_back(computer: Computer) -> None:
    begun = await computer.ask("enrol")
    answer = await computer.ask("enrol_code", code=computer.cloud.new_code())
    assert standing_of(answer) == ("enrolled", True)
    assert answer["fingerprint"] == begun["fingerprint"]
    with pytest.raises(httpx.ConnectError):
        async with browsing(computer.cloud.approve(begun["url"])):
            pass


async def test_a_file_is_looked_at_before_it_is_used(computer: Computer) -> None:
    cloud = computer.cloud
    good = cloud.new_file()
    from tests.fakes.cloud import INSTALLATION  # noqa: PLC0415 - some other key

    for wrong in (
        good.replace(b"Reading", b"Writing"),
        good.replace(b'"max_uses": 40', b'"max_uses": 41'),
        cloud.new_file(key=INSTALLATION),
        cloud.new_file(issuer="https://other.example"),
        b"{}",
        b"no file",
    ):
        assert await refused(computer, "enrol_file", file=wrong.decode()) == "file_wrong"
    assert REGISTER not in cloud.paths
    answer = await computer.ask("enrol_file", file=good.decode())
    assert standing_of(answer) == ("enrolled", True)


async def test_a_site_file_that_lies_there_is_used_without_anybody(tmp_path: Path) -> None:
    computer = new_computer(tmp_path / "computer", file=str(tmp_path / "site"))
    await computer.settle()
    assert computer.cloud.paths == []
    (tmp_path / "site").write_bytes(computer.cloud.new_file())
    (tmp_path / "site").chmod(0o622)
    await computer.settle(steps=2)
    assert (await computer.ask("enrol_status"))["problem"] == "file_wrong"
    (tmp_path / "site").chmod(0o600)
    await computer.settle()
    assert computer.client_id
    uses = computer.cloud.paths.count(REGISTER)
    computer.start()
    await computer.settle()
    assert uses == 1
    assert computer.cloud.paths.count(REGISTER) == 1


async def test_two_attempts_at_once_are_one_too_many(computer: Computer) -> None:
    await computer.ask("enrol")
    assert await refused(computer, "enrol") == "busy"
    assert await refused(computer, "enrol_device") == "busy"
    assert (await computer.ask("enrol_cancel"))["problem"] == "given_up"
    await computer.ask("enrol")
    await computer.ask("enrol_cancel")


async def test_a_new_identity_ends_the_former_one_at_the_cloud(computer: Computer) -> None:
    former = await computer.enrolled()
    latter = await computer.enrolled()
    assert former != latter
    assert computer.cloud.registered[former].revoked
    assert not computer.cloud.registered[latter].revoked


async def test_a_folder_that_cannot_be_written_is_seen_before_a_code_is_used_up(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = computer.cloud.new_code()
    monkeypatch.setattr("os.access", lambda *_: False)
    assert await refused(computer, "enrol_code", code=code) == "configuration_error"
    monkeypatch.undo()
    assert (await computer.ask("enrol_code", code=code))["enrolled"]


async def test_one_of_many_copies_with_one_name_gets_a_name_of_its_own(
    computer: Computer,
) -> None:
    computer.cloud.names.add("Desk 3")
    answer = await computer.ask("enrol_file", file=computer.cloud.new_file().decode())
    assert answer["name"] == f"Desk 3 {answer['fingerprint']}"
