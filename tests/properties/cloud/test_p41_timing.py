"""P18, P41, P57: what is refused takes as long whatever the cause; measured at a started process.

Requests of all kinds take turns, so that whatever the machine does else falls on each alike, and
each is measured by the others of its round. Of each kind the median counts. Where two differ by
more than the bound, more requests are made: noise goes away, a real difference stays.
"""

from __future__ import annotations

import http.client
import random
import time
from statistics import geometric_mean, median
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest

from tests.cloud_documents import SECRET
from tests.limited_cloud import KEYS, limited, store_with, suspend_key
from tests.oauth_client import Computer, registered
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.cloud_process import Cloud

    Forms = Mapping[str, str]
    Round = dict[str, float]

BOUND, PATIENCE_S, WARM_UP = 0.05, 80, 30
SHORT, LONG = 2_000, 40_000
WITHOUT_END = {
    "keys_an_hour": {"public": 1_000_000, "other": 1_000_000},
    "failed_keys_burst": 1_000_000,
    "site_failed_keys_burst": 1_000_000,
    "failed_logins_burst": 1_000_000,
    "address_failed_logins_burst": 1_000_000,
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("timing")
    data, pin = store_with(folder / "data", "a", "b"), folder / "pin"
    pin.write_text("24680", encoding="utf-8")
    for words in (("--only-site", "Main hall"), ("--pin-file", pin)):
        key = KEYS[0] if "--pin-file" in words else KEYS[1]
        done = run("key", "policy", "-", *words, "--data", data, stdin=key)
        assert done.returncode == 0, done.stderr
    assert run("client", "suspend", "b", "--data", data).returncode == 0
    suspend_key(data, KEYS[3])
    with limited(data, **WITHOUT_END) as running:
        yield running


@pytest.fixture(scope="module")
def asserting(cloud: Cloud) -> dict[str, Computer]:
    """Return who is refused at `/oauth2/token` with an assertion, by the cause."""
    stopped, right = registered(cloud.data), registered(cloud.data)
    done = run("client", "suspend", stopped.client_id, "--data", cloud.data)
    assert done.returncode == 0, done.stderr
    return {
        "suspended": stopped,
        "unknown": Computer("gai_nobody", right.sender),
        "another's key": Computer(right.client_id, stopped.key),
        "another's name": Computer(stopped.client_id, right.key),
    }


def presenting(key: str) -> dict[str, str]:
    return {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": key,
        "subject_token_type": "urn:gpii:params:oauth:token-type:gpii-key",
        "client_id": "a",
        "client_secret": SECRET,
    }


REFUSED_KEYS = {
    "unknown": presenting("nobody"),
    "revoked": presenting("gone"),
    "suspended": presenting(KEYS[3]),
    "another record": presenting("client-a"),
    "reserved": presenting("noUser"),
    "wrong PIN": presenting(KEYS[0]),
    "another site": presenting(KEYS[1]),
}
LEGACY_KEYS = {
    cause: {
        "grant_type": "password",
        "client_id": "a",
        "client_secret": SECRET,
        "username": form["subject_token"],
        "password": "dummy",
    }
    for cause, form in REFUSED_KEYS.items()
}
REFUSED_CLIENTS = {
    "unknown": {**presenting(KEYS[2]), "client_id": "c"},
    "suspended": {**presenting(KEYS[2]), "client_id": "b"},
    "wrong": {**presenting(KEYS[2]), "client_secret": SECRET[::-1]},
}
GUESSED_SECRETS = {
    "nothing right": {**presenting(KEYS[2]), "client_secret": "-" * len(SECRET)},
    "half right": {
        **presenting(KEYS[2]),
        "client_secret": SECRET[: len(SECRET) // 2].ljust(len(SECRET), "-"),
    },
    "all but the last letter": {**presenting(KEYS[2]), "client_secret": SECRET[:-1] + "-"},
}


def rounds(cloud: Cloud, forms: Mapping[str, Forms], count: int, path: str) -> list[Round]:
    """Return what each request took, in seconds; a round has one of each kind, by chance."""
    place = urlsplit(cloud.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    bodies = {kind: urlencode(form).encode() for kind, form in forms.items()}
    kinds, chance = list(bodies), random.Random(41)  # noqa: S311 - an order, no secret
    found: list[Round] = []
    statuses = set()
    for _ in range(count // len(kinds) + WARM_UP):
        chance.shuffle(kinds)
        took: Round = {}
        for kind in kinds:
            began = time.perf_counter()
            connection.request("POST", path, body=bodies[kind], headers=FORM)
            response = connection.getresponse()
            response.read()
            took[kind] = time.perf_counter() - began
            statuses.add(response.status)
        found.append(took)
    connection.close()
    assert len(statuses) == 1, statuses
    return found[WARM_UP:]


def apart(found: Sequence[Round]) -> float:
    """Return by how much the kinds' medians differ, each request measured by its own round.

    The measure is the round's geometric mean. Its median would be one of the requests itself: in
    most rounds another one, so that each kind would look like it however much they differ.
    """
    relative: dict[str, list[float]] = {kind: [] for kind in found[0]}
    for took in found:
        usual = geometric_mean(took.values())
        for kind, seconds in took.items():
            relative[kind].append(seconds / usual)
    medians = [median(shares) for shares in relative.values()]
    return max(medians) / min(medians) - 1


def check(
    cloud: Cloud, forms: Mapping[str, Forms], count: int, path: str = "/oauth2/token"
) -> None:
    """Measure until the medians agree; fail where more and more requests do not make them."""
    found: list[Round] = []
    shown: dict[str, float] = {}
    ends = time.monotonic() + PATIENCE_S
    while not found or time.monotonic() < ends:
        found += rounds(cloud, forms, count, path)
        shown = {kind: median(took[kind] for took in found) * 1e6 for kind in forms}
        print(f"{len(found)} rounds, {apart(found):.1%}", shown)  # noqa: T201 - the figures
        if apart(found) < BOUND:
            return
    pytest.fail(f"medians are {apart(found):.1%} apart: {shown}")


def test_what_differs_is_seen() -> None:
    """Twelve in a hundred of one kind stand out of noise, whichever kind it is."""
    chance, kinds = random.Random(57), list(REFUSED_KEYS)  # noqa: S311 - noise, no secret
    noise = [{kind: chance.lognormvariate(-7, 0.3) for kind in kinds} for _ in range(3000)]
    assert apart(noise) < BOUND
    for slow in kinds:
        assert apart([took | {slow: took[slow] * 1.12} for took in noise]) > BOUND


def test_p41_refused_keys_take_the_same_time(cloud: Cloud) -> None:
    check(cloud, REFUSED_KEYS, SHORT)


def test_p41_refused_keys_take_the_same_time_at_the_old_route(cloud: Cloud) -> None:
    check(cloud, LEGACY_KEYS, SHORT, "/access_token")


def test_p57_refused_assertions_take_the_same_time(
    cloud: Cloud, asserting: Mapping[str, Computer]
) -> None:
    forms = {cause: computer.form(KEYS[2]) for cause, computer in asserting.items()}
    check(cloud, forms, SHORT)


def test_p57_refused_clients_take_the_same_time(cloud: Cloud) -> None:
    check(cloud, REFUSED_CLIENTS, SHORT)


def test_p18_a_secret_that_is_nearly_right_takes_as_long_as_any(cloud: Cloud) -> None:
    check(cloud, GUESSED_SECRETS, SHORT)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("forms", [REFUSED_KEYS, REFUSED_CLIENTS], ids=["keys", "clients"])
def test_p41_refused_keys_and_clients_take_the_same_time_often(
    cloud: Cloud, forms: Mapping[str, Forms]
) -> None:
    check(cloud, forms, LONG)
