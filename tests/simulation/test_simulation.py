"""Days of key-ins by chance, on virtual time: 100 schedules, 5,000 in the campaign.

A failure names its seed: `pytest tests/simulation --seed N` plays it again, to the same end.
"""

from __future__ import annotations

import secrets
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import trustme

from keyin.access_requester import token_cache
from keyin.oauth import key_door
from keyin.session.ledger import Ledger
from keyin.session.sender import Sender, Senders
from tests.simulation.days import simulate

if TYPE_CHECKING:
    from pathlib import Path


RUNS, CAMPAIGN, BLOCKS, FEW = 100, 5000, 10, 40
SHOWN = 60
MUST_HAPPEN = {
    "login: ok",
    "login: key_refused",
    "login: credential_revoked",
    "login: cloud_unreachable",
    "login: died",
    "logout: ok",
    "preview: ok",
    "wrong logout: other_active",
    "stranger: key_refused",
    "at once: ok ok ok",
    "died",
    "outage",
    "answer lost",
    "requester away",
    "requester restarts",
    "key revoked",
    "computer revoked",
}


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small file of authorities: the system's takes longer to read than a run."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return path


def _play(seed: int, ca: Path) -> list[str]:
    days = simulate(seed, ca)
    if days.violations:
        events = "\n".join(days.truth.events[-SHOWN:])
        pytest.fail(f"{days.violations[0]}\nagain: pytest tests/simulation --seed {seed}\n{events}")
    return days.truth.events


def _kind(event: str) -> str:
    return event.split(" ", 1)[1].split(" computer-", maxsplit=1)[0]


def _given(request: pytest.FixtureRequest) -> int | None:
    seed: int | None = request.config.getoption("--seed", default=None)
    return seed


@pytest.mark.parametrize("block", range(BLOCKS))
def test_schedules_of_every_kind_keep_every_invariant(
    block: int, ca: Path, request: pytest.FixtureRequest
) -> None:
    seed, size = _given(request), RUNS // BLOCKS
    if seed is not None and block:
        pytest.skip("one seed was asked for")
    for one in range(block * size, (block + 1) * size) if seed is None else [seed]:
        _play(one, ca)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_campaign_of_new_schedules(block: int, ca: Path, request: pytest.FixtureRequest) -> None:
    if "campaign" not in request.config.option.markexpr or _given(request) is not None:
        pytest.skip("runs with -m campaign only")
    first = secrets.randbelow(10**9) * 1000
    print(f"block {block}: seeds from {first}")  # noqa: T201 - so that they can be named
    for one in range(first, first + CAMPAIGN // BLOCKS):
        _play(one, ca)


def test_everything_that_can_happen_does(ca: Path) -> None:
    seen = Counter(_kind(event) for seed in range(RUNS) for event in _play(seed, ca))
    assert set() == MUST_HAPPEN - seen.keys()


@pytest.mark.parametrize("seed", [3, 17])
def test_a_seed_is_the_same_run_every_time(seed: int, ca: Path) -> None:
    assert _play(seed, ca) == _play(seed, ca)


def _found(ca: Path) -> set[str]:
    return {violation for seed in range(FEW) for violation in simulate(seed, ca).violations}


def test_a_token_that_is_kept_too_long_is_found(ca: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passing, one = Senders.passing, dict[int, Sender]()
    # with a key for each key-in, no token is given out twice; so let there be one for all
    monkeypatch.setattr(Senders, "passing", lambda own: one.setdefault(id(own), passing(own)))
    monkeypatch.setattr(Sender, "destroy", lambda _: None)
    monkeypatch.setattr(token_cache, "RENEW_BELOW", -1e9)
    assert "a token used after its life" in _found(ca)


def test_a_revocation_that_nobody_looks_at_is_found(
    ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_door, "reason_against", lambda *_: None)
    assert "a token for what was revoked before it was asked for" in _found(ca)


def test_a_session_that_is_not_undone_is_found(ca: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "is_ours", lambda *_: False)
    found = _found(ca)
    assert "not as it was with nobody keyed in" in found
    assert "not as it was after a start" in found
