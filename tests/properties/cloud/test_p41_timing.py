"""P41, P57: what is refused takes as long whatever the cause; measured at a started process.

Requests of all kinds take turns, so that whatever the machine does else falls on each alike. Of
each kind the median counts; where two differ by more than the bound, the series is measured anew,
up to so often: noise goes away, a real difference stays.
"""

from __future__ import annotations

import http.client
import random
import time
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest

from tests.cloud_documents import SECRET
from tests.limited_cloud import KEYS, limited, store_with
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.cloud_process import Cloud

    Forms = Mapping[str, str]

BOUND, TRIES = 0.05, 4
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
    with limited(data, **WITHOUT_END) as running:
        yield running


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
    "another record": presenting("client-a"),
    "reserved": presenting("noUser"),
    "wrong PIN": presenting(KEYS[0]),
    "another site": presenting(KEYS[1]),
}
REFUSED_CLIENTS = {
    "unknown": {**presenting(KEYS[2]), "client_id": "c"},
    "suspended": {**presenting(KEYS[2]), "client_id": "b"},
    "wrong": {**presenting(KEYS[2]), "client_secret": SECRET[::-1]},
}


def medians(cloud: Cloud, forms: Mapping[str, Forms], count: int) -> dict[str, float]:
    """Return each kind's median in seconds, of `count` requests in all, in turns by chance."""
    place = urlsplit(cloud.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    bodies = {kind: urlencode(form).encode() for kind, form in forms.items()}
    took: dict[str, list[float]] = {kind: [] for kind in bodies}
    kinds, chance = list(bodies), random.Random(41)  # noqa: S311 - an order, no secret
    statuses = set()
    for number in range(count // len(kinds) + 30):
        chance.shuffle(kinds)
        for kind in kinds:
            began = time.perf_counter()
            connection.request("POST", "/oauth2/token", body=bodies[kind], headers=FORM)
            response = connection.getresponse()
            response.read()
            if number >= 30:  # the first ones warm everybody up
                took[kind].append(time.perf_counter() - began)
                statuses.add(response.status)
    connection.close()
    assert len(statuses) == 1, statuses
    return {kind: median(times) for kind, times in took.items()}


def apart(found: Mapping[str, float]) -> float:
    return max(found.values()) / min(found.values()) - 1


def check(cloud: Cloud, forms: Mapping[str, Forms], count: int) -> None:
    series: list[dict[str, float]] = []
    while len(series) < TRIES:
        series.append(medians(cloud, forms, count))
        print({kind: f"{seconds * 1e6:.0f} us" for kind, seconds in series[-1].items()})  # noqa: T201 - the figures
        if apart(series[-1]) < BOUND:
            return
    pytest.fail(f"medians are {min(apart(one) for one in series):.1%} apart: {series}")


def test_p41_refused_keys_take_the_same_time(cloud: Cloud) -> None:
    check(cloud, REFUSED_KEYS, SHORT)


def test_p57_refused_clients_take_the_same_time(cloud: Cloud) -> None:
    check(cloud, REFUSED_CLIENTS, SHORT)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("forms", [REFUSED_KEYS, REFUSED_CLIENTS], ids=["keys", "clients"])
def test_p41_refused_keys_and_clients_take_the_same_time_often(
    cloud: Cloud, forms: Mapping[str, Forms]
) -> None:
    check(cloud, forms, LONG)
