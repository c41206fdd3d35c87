"""P90 for people and applications: signing in and out, a yes, a no, a code, a machine's token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests import audit_log
from tests.cloud_process import Cloud, serving
from tests.oauth_application import Application, Person, account, application, hidden, pair, told
from tests.oauth_client import ISSUER
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Scene:
    """A cloud with pages, a person, an application that a person trusts and a machine job."""

    cloud: Cloud
    person: Person
    planner: Application
    job: Application
    telephone: Application
    before: int = 0

    def begin(self) -> None:
        self.before = audit_log.length(self.cloud.data)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event["act"], event["outcome"]) for event in self.news]

    @property
    def news(self) -> list[dict[str, Any]]:
        return audit_log.events(self.cloud.data, self.before)

    def question(self) -> Any:
        verifier, challenge = pair()
        pushed = self.planner.push(self.cloud, challenge)
        assert pushed.status == 201, pushed.body
        path = self.planner.authorize_path(pushed.json["request_uri"])
        return verifier, self.person.ask(self.cloud, path)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    data: Path = tmp_path_factory.mktemp("p90") / "data"
    made = account(data), application(data, "client_secret_basic")
    machine = ("--grant", "client-credentials", "--scope", "installations:read", "--site", "Hall")
    job = application(data, "client_secret_post", *machine)
    telephone = application(data, "client_secret_basic", "--grant", "device")
    file = data.parent / "cloud.toml"
    file.write_text("device_code = true\n")
    with serving(data, "--issuer", ISSUER, "--config", file) as cloud:
        yield Scene(cloud, *made, job, telephone)


@pytest.fixture
def signed_in(scene: Scene) -> Scene:
    if not scene.person.cookies.get("__Host-keyin-session"):
        scene.person.sign_in(scene.cloud)
    return scene


def test_p90_signing_in_and_out_leave_an_event_each(scene: Scene) -> None:
    scene.begin()
    person = Person(scene.person.name, scene.person.password)
    person.sign_in(scene.cloud)
    page = person.get(scene.cloud, "/account")
    assert person.post(scene.cloud, "/logout", hidden(page)).status == 303
    assert scene.told == [("session.signed_in", "done"), ("session.signed_out", "done")]
    (signed_in, _) = scene.news
    assert signed_in["address"] == "127.0.0.1"
    assert signed_in["request_id"]
    assert signed_in["actor"].startswith("ac_")


def test_p90_a_wrong_password_leaves_an_event_and_an_unknown_name_none(scene: Scene) -> None:
    scene.begin()
    for name in (scene.person.name, "nobody"):
        stranger = Person(name, "a password that is wrong")
        page = stranger.get(scene.cloud, "/login")
        form = {**hidden(page), "name": name, "password": stranger.password}
        assert stranger.post(scene.cloud, "/login", form).status != 303
    assert scene.told == [("session.sign_in_refused", "refused")]


@pytest.mark.parametrize("approve", [True, False])
def test_p90_a_yes_and_a_no_leave_an_event(signed_in: Scene, *, approve: bool) -> None:
    _, question = signed_in.question()
    signed_in.begin()
    signed_in.person.answer(signed_in.cloud, question, approve=approve)
    act = ("consent.given", "done") if approve else ("consent.denied", "refused")
    assert signed_in.told == [act]
    (event,) = signed_in.news
    assert event["actor"].startswith("ac_")
    assert event["client"]


def test_p90_a_code_that_becomes_a_token_and_one_that_comes_twice(signed_in: Scene) -> None:
    verifier, question = signed_in.question()
    code = told(signed_in.person.answer(signed_in.cloud, question))["code"]
    signed_in.begin()
    for status in (200, 400):
        assert signed_in.planner.redeem(signed_in.cloud, code, verifier).status == status
    assert signed_in.told == [
        ("token.issued", "done"),
        ("token.revoked", "done"),
        ("token.refused", "refused"),
    ]
    issued, revoked, refused = signed_in.news
    assert issued["actor"] == revoked["actor"] == refused["actor"] == signed_in.planner.client_id
    assert "key" not in issued
    assert refused["reason"] == "code_used_twice"


def test_p90_a_machine_job_and_its_refusal(scene: Scene) -> None:
    scene.begin()
    for scope in ("installations:read", "settings:read"):
        form = {"grant_type": "client_credentials", "scope": scope}
        scene.job.post(scene.cloud, "/oauth2/token", form)
    assert scene.told == [("token.issued", "done"), ("token.refused", "refused")]
    assert {event["site"] for event in scene.news} == {"Hall"}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"scope": "everything"}, "scope"),
        ({"redirect_uri": "https://elsewhere.example/back"}, "redirect_uri"),
        ({"code_challenge_method": "plain"}, "challenge"),
    ],
)
def test_p90_a_wish_that_is_refused_leaves_an_event(
    scene: Scene, wrong: dict[str, Any], reason: str
) -> None:
    scene.begin()
    assert scene.planner.push(scene.cloud, pair()[1], **wrong).status == 400
    assert scene.told == [("token.refused", "refused")]
    (event,) = scene.news
    assert (event["actor"], event["reason"]) == (scene.planner.client_id, reason)


def test_p90_a_device_that_is_refused_leaves_an_event(scene: Scene) -> None:
    scene.begin()
    for app, form in ((scene.planner, {}), (scene.telephone, {"scope": "everything"})):
        assert app.post(scene.cloud, "/oauth2/device_authorization", form).status == 400
    assert [(one["actor"], one["reason"]) for one in scene.news] == [
        (scene.planner.client_id, "grant_not_allowed"),
        (scene.telephone.client_id, "scope"),
    ]


def test_p90_an_account_and_an_application_that_are_made(scene: Scene) -> None:
    scene.begin()
    account(scene.cloud.data, "brian")
    application(scene.cloud.data, "client_secret_basic")
    done = run("account", "suspend", "brian", "--data", scene.cloud.data)
    assert done.returncode == 0, done.stderr
    assert [act for act, _ in scene.told if act != "administrator.asked"] == [
        "account.created",
        "client.registered",
        "account.changed",
    ]
