"""P40 to P43, P57, P84: who collects keys is stopped, who fails waits, and nobody else does."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cloud_documents import SECRET
from tests.limited_cloud import (
    KEYS,
    WAITING,
    ask,
    limited,
    metric,
    same,
    statuses,
    store_with,
    wait_until_written,
)
from tests.oauth_client import Computer, registered
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud_process import Cloud

FEW_KEYS = {"keys_an_hour": {"public": 5, "other": 3}, "suspend_at": 2}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_with(tmp_path_factory.mktemp("limits") / "data", "a", "b", "c")


@pytest.fixture
def data(imported: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "data"
    copy = subprocess.run(["cp", "-r", imported, copied], check=True, capture_output=True)
    assert not copy.stderr
    return copied


def test_p40_a_client_that_collects_keys_is_slowed_then_stopped_and_told_of(data: Path) -> None:
    with limited(data, **FEW_KEYS) as cloud:
        assert statuses(cloud, KEYS[:5]) == [200] * 5
        slowed = ask(cloud, KEYS[5])
        assert (slowed.status, slowed.body) == (429, WAITING)
        assert 1 <= int(slowed.headers["retry-after"]) <= 3600
        assert statuses(cloud, KEYS[:5]) == [200] * 5, "who was there may come back"
        assert statuses(cloud, [KEYS[5]] * 20) == [429] * 20, "one key again is no other key"
        assert statuses(cloud, KEYS[6:10]) == [429] * 4
        stopped = ask(cloud, KEYS[0])
        assert same(stopped) == same(ask(cloud, KEYS[0], "nobody"))
        assert stopped.status == 401
        assert ask(cloud, KEYS[30], "b").status == 200, "another client is not concerned"
        assert metric(cloud, "suspended", "distinct_keys") == 1
        assert '"event":"client_suspended"' in cloud.process.output
        assert run("client", "resume", "a", "--data", data).returncode == 0
        assert statuses(cloud, KEYS[20:26]) == [200] * 5 + [429], "the count begins anew"
    (stopped_by_limit, resumed) = told(data, "client.suspended", "client.resumed")
    assert stopped_by_limit["reason"] == "distinct_keys"
    assert stopped_by_limit["client"] == resumed["client"] == "client-a"


def test_p13_a_request_that_comes_again_counts_against_nobody(data: Path, tmp_path: Path) -> None:
    """Its form is not signed: who caught one could name other keys and PINs for a minute."""
    pin = tmp_path / "pin"
    pin.write_text("24680")
    locked = ("key", "policy", "-", "--pin-file", pin, "--data", data)
    assert run(*locked, stdin=KEYS[1]).returncode == 0
    desk = registered(data)
    with limited(data, keys_an_hour={"other": 2}, failed_keys_burst=3) as cloud:
        desk.learn_nonce(cloud)
        caught, proof = desk.form(KEYS[0]), desk.proof()
        assert cloud.form("/oauth2/token", caught, {"DPoP": proof}).status == 200
        others = [{"subject_token": f"{name}"} for name in (*KEYS[2:], *("nobody",) * 9)]
        for other in (*others, *({"subject_token": KEYS[1], "pin": f"{n:05}"} for n in range(30))):
            reply = cloud.form("/oauth2/token", {**caught, **other}, {"DPoP": proof})
            assert (reply.status, reply.json["error"]) == (401, "invalid_client")
            fresh = {**caught, **other, "client_assertion": desk.assertion()}
            reply = cloud.form("/oauth2/token", fresh, {"DPoP": proof})
            assert (reply.status, reply.json["error"]) == (400, "invalid_dpop_proof")
            reply = cloud.form("/oauth2/token", fresh, {"DPoP": desk.proof()})
            assert (reply.status, reply.json["error"]) == (401, "invalid_client")
        assert desk.exchange(cloud, KEYS[1], pin="24680").status == 200


def told(data: Path, *acts: str) -> list[dict[str, str]]:
    """Return what the audit log holds of these acts, in order."""
    store = sqlite3.connect(data / "keyin.sqlite3")
    events = [json.loads(row[0]) for row in store.execute("SELECT event FROM audit ORDER BY seq")]
    store.close()
    return [event for event in events if event["act"] in acts]


def test_p40_a_computer_of_another_type_has_another_limit(data: Path) -> None:
    desk = registered(data, "--computer-type", "private")
    with limited(data, **FEW_KEYS) as cloud:
        assert [desk.exchange(cloud, one).status for one in KEYS[:4]] == [200, 200, 200, 429]
        reply = desk.exchange(cloud, KEYS[5])
        assert (reply.status, reply.body) == (429, WAITING)
        assert reply.headers["cache-control"] == "no-store"
        assert int(reply.headers["retry-after"]) >= 1


SLOW = {"failed_keys_burst": 10, "failed_keys_a_minute": 1}


def test_p41_who_presents_wrong_keys_waits_and_the_neighbour_does_not(data: Path) -> None:
    with limited(data, **SLOW) as cloud:
        assert statuses(cloud, ["zz9", "zz9", "zz9", "zz9", "zz9", "zz9"]) == [401] * 6
        waiting = ask(cloud, "zz9")
        assert (waiting.status, waiting.body) == (429, WAITING)
        assert 1 <= int(waiting.headers["retry-after"]) <= 60
        assert ask(cloud, KEYS[0]).status == 429, "no key is looked at meanwhile"
        assert ask(cloud, KEYS[0], "b").status == 200


STRONG = [f"{number:02}aAbBcCdDeEfFgGhHiIjJkK" for number in range(20)]


def test_p44_a_wrong_key_that_could_be_guessed_costs_five(data: Path) -> None:
    with limited(data, **SLOW) as cloud:
        assert statuses(cloud, ["guess-1", "guess-2", "guess-3"]) == [401, 401, 429]
        assert statuses(cloud, STRONG[:11], "b") == [401] * 10 + [429]


def test_p41_a_site_has_a_bucket_of_its_own(data: Path) -> None:
    hall = [registered(data, "--site", "Main hall") for _ in range(3)]
    other = registered(data, "--site", "Other hall")
    limits = {**SLOW, "site_failed_keys_burst": 20, "site_failed_keys_a_minute": 1}
    with limited(data, **limits) as cloud:
        for desk in hall[:2]:
            replies = [desk.exchange(cloud, one).status for one in STRONG[:11]]
            assert replies == [400] * 10 + [429]
        assert hall[2].exchange(cloud, KEYS[0]).status == 429
        assert other.exchange(cloud, KEYS[0]).status == 200


def test_p42_limits_are_there_again_after_kill_9(data: Path) -> None:
    limits = {**FEW_KEYS, **SLOW}
    with limited(data, **limits) as cloud:
        assert statuses(cloud, KEYS[:6]) == [200] * 5 + [429]
        assert statuses(cloud, ["g-1", "g-2", "g-3"], "b") == [401, 401, 429]
        wait_until_written()
        cloud.process.kill()
    with limited(data, **limits) as cloud:
        assert statuses(cloud, [KEYS[0], KEYS[7]]) == [200, 429]
        assert statuses(cloud, [KEYS[0]], "b") == [429]
        assert statuses(cloud, KEYS[8:10]) == [429] * 2
    with limited(data, **limits) as cloud:
        assert statuses(cloud, [KEYS[12], KEYS[0]]) == [429, 401], "what came before still counts"


SLOW_LOGINS = {
    "failed_logins_burst": 5,
    "failed_logins_a_minute": 1,
    "address_failed_logins_burst": 12,
    "address_failed_logins_a_minute": 1,
}


@pytest.fixture
def desks(data: Path) -> tuple[Computer, Computer]:
    return registered(data, "--site", "Main hall"), registered(data, "--site", "Main hall")


@pytest.fixture
def narrow(data: Path, desks: tuple[Computer, Computer]) -> Iterator[Cloud]:
    assert desks
    with limited(data, **SLOW_LOGINS) as cloud:
        yield cloud


def test_p57_failed_logins_have_one_answer_and_then_wait(narrow: Cloud) -> None:
    assert run("client", "suspend", "b", "--data", narrow.data).returncode == 0
    answers = [
        ask(narrow, KEYS[0], "nobody"),
        ask(narrow, KEYS[0], "b"),
        ask(narrow, KEYS[0], "a", secret="wrong"),
    ]
    assert [same(answer) for answer in answers] == [same(answers[0])] * 3
    assert answers[0].status == 401
    replies = [ask(narrow, KEYS[0], "a", secret="wrong") for _ in range(6)]
    assert [reply.status for reply in replies] == [401] * 4 + [429] * 2
    assert replies[-1].body == WAITING
    assert int(replies[-1].headers["retry-after"]) >= 1


def test_p43_a_site_behind_one_address_goes_on_whatever_one_machine_does(
    narrow: Cloud, desks: tuple[Computer, Computer]
) -> None:
    bad, good = desks
    thief, neighbour = Computer("gai_nobody", bad.key), Computer(good.client_id, bad.key)
    for number in range(60):
        narrow.form("/oauth2/token", neighbour.form(KEYS[0]))
        ask(narrow, KEYS[0], f"made-up-{number}", secret="wrong")
        thief.client_id = f"gai_made_up_{number}"
        narrow.form("/oauth2/token", thief.form(KEYS[0]))
        narrow.form("/oauth2/token", bad.form(KEYS[0], client_assertion="x.y.z"))
    assert narrow.form("/oauth2/token", thief.form(KEYS[0])).status == 429
    assert ask(narrow, KEYS[0], "nobody-new", secret="wrong").status == 429
    assert good.exchange(narrow, KEYS[0]).status == 200
    assert bad.exchange(narrow, KEYS[1]).status == 200, "its own name did not fail"
    assert ask(narrow, KEYS[0], "a").status == 200


def test_p43_a_right_secret_passes_a_stranger_who_tries_it(narrow: Cloud) -> None:
    wrong = [ask(narrow, KEYS[0], "a", secret="wrong").status for _ in range(30)]
    assert wrong[-1] == 429
    assert ask(narrow, KEYS[0], "a").status == 200


def test_p84_a_flood_is_turned_away_before_a_signature_is_looked_at(
    narrow: Cloud, desks: tuple[Computer, Computer]
) -> None:
    bad, good = desks
    forged = Computer(bad.client_id, good.key)  # another's key under this name: never right
    unknown = Computer("gai_unknown", Computer("", good.sender).sender)
    replies = [
        narrow.form("/oauth2/token", one.form(KEYS[0]))
        for _ in range(100)
        for one in (forged, unknown)
    ]
    verified = metric(narrow, "signatures", "client_assertion")
    assert 5 <= verified <= 12 + 2
    assert {reply.status for reply in replies[-50:]} == {429}
    assert {reply.body for reply in replies[-50:]} == {WAITING}
    assert metric(narrow, "limited", "failed_proofs") >= 180
    assert good.exchange(narrow, KEYS[0]).status == 200


def test_the_limits_are_refused_where_they_make_no_sense(tmp_path: Path) -> None:
    for line in ("suspend_at = 1", "failed_keys_burst = 0", "keys = 5", 'keys_an_hour = "x"'):
        file = tmp_path / "cloud.toml"
        file.write_text(f"[limits]\n{line}\n", encoding="utf-8")
        done = run("cloud", "serve", "--data", tmp_path / "d", "--config", file, "--json")
        assert done.returncode == 3
        assert json.loads(done.stderr)["error"] == "configuration_error"


def test_wrong_secrets_are_not_what_a_flood_verifies(narrow: Cloud) -> None:
    for _ in range(20):
        ask(narrow, KEYS[0], "a", secret=SECRET[::-1])
    assert metric(narrow, "signatures", "client_assertion") == 0
