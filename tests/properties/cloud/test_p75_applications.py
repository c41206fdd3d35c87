"""P75 where applications, devices and new computers write: each parameter of each endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.cloud_process import Cloud, Reply, serving
from tests.oauth_application import Application, Person, account, application, pair
from tests.oauth_client import ISSUER
from tests.properties.cloud.test_p75_hostile_strings import HOSTILE, TOO_LONG
from tests.registration import Newcomer, file_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

UNKNOWN = "rat_" + "A" * 43
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CONFIG = "device_code = true\n[limits]\nfailed_logins_burst = 1000000\n"
CONFIG += "address_failed_logins_burst = 1000000\n"
WISH = ("scope", "state", "redirect_uri", "code_challenge", "code_challenge_method",
        "response_type", "response_mode", "resource", "authorization_details", "dpop_jkt",
        "client_id", "request", "request_uri", "anything")  # fmt: skip
METADATA = ("client_name", "application_type", "token_endpoint_auth_method", "scope",
            "software_id", "software_version", "software_statement", "gpii_computer_type",
            "gpii_site", "gpii_installation_id", "client_uri", "logo_uri", "jwks_uri",
            "anything")  # fmt: skip


@dataclass(frozen=True)
class Place:
    cloud: Cloud
    person: Person
    web: Application
    direct: Application
    telephone: Application
    job: Application
    file: str
    """The token of an enrolment file."""

    def redeem(self, **changes: str) -> Reply:
        form = {"grant_type": "authorization_code", "code": "x" * 43, "code_verifier": "v" * 43}
        return self.web.post(self.cloud, "/oauth2/token", {**form, **changes})

    def poll(self, text: str) -> Reply:
        form = {"grant_type": DEVICE_GRANT, "device_code": text}
        return self.telephone.post(self.cloud, "/oauth2/token", form)

    def register(self, **changes: Any) -> Reply:
        return Newcomer().register(self.cloud, self.file, **changes)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data: Path = tmp_path_factory.mktemp("hostile") / "data"
    config = data.parent / "cloud.toml"
    config.write_text(CONFIG)
    person = account(data)
    web, direct = application(data), application(data, "client_secret_post", "--without-par")
    telephone = application(data, "client_secret_basic", "--grant", "device")
    machine = ("--grant", "client-credentials", "--scope", "installations:read", "--site", "Hall")
    job = application(data, "client_secret_post", *machine)
    _, file = file_token(data, "--uses", 5000)
    with serving(data, "--issuer", ISSUER, "--config", config) as cloud:
        person.sign_in(cloud)
        yield Place(cloud, person, web, direct, telephone, job, file)


INPUTS: dict[str, Callable[[Place, str], Reply]] = {
    **{
        f"{name} pushed": lambda place, text, name=name: place.web.push(  # type: ignore[misc]
            place.cloud, pair()[1], **{name: text}
        )
        for name in WISH
    },
    **{
        f"{name} in the address": lambda place, text, name=name: place.person.get(  # type: ignore[misc]
            place.cloud, place.direct.direct_path(pair()[1], **{name: text})
        )
        for name in WISH
    },
    **{
        f"{name} of a code": lambda place, text, name=name: place.redeem(**{name: text})  # type: ignore[misc]
        for name in ("code", "code_verifier", "redirect_uri", "resource", "scope")
    },
    **{
        f"{name} registered": lambda place, text, name=name: place.register(**{name: text})  # type: ignore[misc]
        for name in METADATA
    },
    "scope of a device": lambda place, text: place.telephone.post(
        place.cloud, "/oauth2/device_authorization", {"scope": text}
    ),
    "device_code": lambda place, text: place.poll(text),
    "scope of a job": lambda place, text: place.job.post(
        place.cloud, "/oauth2/token", {"grant_type": "client_credentials", "scope": text}
    ),
    "a registration": lambda place, text: Newcomer().send(
        place.cloud, "GET", f"/oauth2/register/{quote(text[:2000], safe='')}", token=UNKNOWN
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
def test_p75_what_an_application_or_a_computer_writes_is_data(place: Place, name: str) -> None:
    """Taken as it is or refused as anything unknown; never more than that."""
    for text in (*HOSTILE, TOO_LONG[:12_000]):
        reply = INPUTS[name](place, text)
        assert reply.status < 500, text[:40]
        assert "x-forged" not in reply.headers
        assert text not in reply.headers.get("location", "") or text.isalnum() or text in "%-1 "
        if not reply.headers.get("content-type", "").startswith("application/json"):
            assert b"<script>alert(1)</script>" not in reply.body


def test_p75_after_all_that_the_records_are_whole(place: Place) -> None:
    reply = place.register(client_name="'; DROP TABLE clients; --")
    assert reply.status == 201, reply.body
    assert reply.json["client_name"] == "'; DROP TABLE clients; --"
    assert place.cloud.request("GET", "/ready").status == 200
    assert place.cloud.process.process.poll() is None
    assert "internal_error" not in place.cloud.process.output
