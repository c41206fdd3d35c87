"""Flow manager and preferences server in two processes, with two stores, as operators run them."""

from __future__ import annotations

import json
import re
import shlex
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import trustme

from tests.audit_log import events
from tests.cloud_documents import (
    COMMON,
    FONT_SIZE,
    FREE,
    LANGUAGE,
    LISTED,
    MAKER,
    SECRET,
    everything,
    preferences,
)
from tests.cloud_process import Cloud, Reply, import_documents, serving
from tests.house.sources import ROOT
from tests.leaks import found
from tests.oauth_client import ISSUER, Computer, registered
from tests.preferences_server import ANYWHERE, Clouds, secret_file, split
from tests.started import run, started

if TYPE_CHECKING:
    from collections.abc import Iterator

READER = {"OS": {"id": "linux"}, "solutions": [{"id": "net.keyin.sample.reader"}]}
DOCUMENT = (ROOT / "docs" / "operations" / "preferences-server.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("split")
    import_documents(folder / "preferences", everything())
    import_documents(folder / "data", without_safes())
    return folder


def without_safes() -> list[dict[str, Any]]:
    return [
        {**one, "prefsSafeId": None} if one["type"] == "gpiiKey" else one
        for one in everything()
        if one["type"] != "prefsSafe"
    ]


@pytest.fixture(scope="module")
def desk(place: Path) -> Computer:
    return registered(place / "data", "--writable", FONT_SIZE)


@pytest.fixture(scope="module")
def clouds(place: Path, desk: Computer) -> Iterator[Clouds]:
    assert desk.client_id
    with split(place / "data", place / "preferences", "--issuer", ISSUER) as running:
        yield running


def token(cloud: Cloud, key: str, client_id: str = FREE) -> str:
    issued: str = cloud.token(key, (client_id, SECRET)).json["access_token"]
    return issued


def stored(cloud: Cloud, key: str) -> Any:
    documents = {one["_id"]: one for one in cloud.documents()}
    return documents[documents[key]["prefsSafeId"]]["preferences"]["flat"]


def test_what_is_saved_here_is_kept_there_and_comes_back(clouds: Clouds) -> None:
    alice = token(clouds.public, "alice")
    saved = clouds.public.save("alice", alice, preferences(language="de-DE"))
    assert saved.json == {"gpiiKey": "alice", "message": "Successfully updated."}
    assert stored(clouds.keeper, "alice")["contexts"]["gpii-default"]["preferences"] == {
        FONT_SIZE: 24,
        LANGUAGE: "de-DE",
    }
    assert not any(one["type"] == "prefsSafe" for one in clouds.public.documents())
    headers = {"Authorization": f"Bearer {alice}", "X-Request-Id": "this-request"}
    path = f"/alice/settings/{quote(json.dumps(READER))}"
    answer = clouds.public.request("GET", path, headers=headers).json
    assert answer["preferences"]["contexts"]["gpii-default"]["preferences"] == {FONT_SIZE: 24}
    time.sleep(0.5)  # lines of requests are written together, a little later
    for process in (clouds.public.process, clouds.keeper.process):
        assert "this-request" in process.output, "one request id goes through both"


def send(clouds: Clouds, desk: Computer, bound: str, method: str, path: str, body: object) -> Reply:
    headers = {
        "Authorization": f"DPoP {bound}",
        "DPoP": desk.proof(method, ISSUER + path, bound),
        "Content-Type": "application/json",
    }
    return clouds.public.request(method, path, headers=headers, body=json.dumps(body))


def test_the_routes_without_a_key_know_which_is_meant(clouds: Clouds, desk: Computer) -> None:
    desk.learn_nonce(clouds.public)
    bound = desk.token(clouds.public, "bob")
    saved = send(clouds, desk, bound, "PUT", "/settings", preferences(fontSize=30))
    assert (saved.status, saved.json) == (200, {"message": "Successfully updated."})
    assert stored(clouds.keeper, "bob")["contexts"]["gpii-default"]["preferences"][FONT_SIZE] == 30
    answer = send(clouds, desk, bound, "POST", "/settings/query", {"device": READER})
    found = answer.json["preferences"]["contexts"]["gpii-default"]["preferences"]
    assert found == {FONT_SIZE: 30}


def test_a_new_key_is_made_on_both_sides_by_who_may(clouds: Clouds) -> None:
    assert clouds.public.token("brand new", (FREE, SECRET)).status == 401
    maker = token(clouds.public, "brand new", MAKER)
    assert clouds.public.settings("brand new", maker, {}).json["preferences"] == {}
    assert clouds.prefer("GET", "/preferences/brand%20new").status == 404
    assert clouds.public.save("brand new", maker, preferences(volume=1)).status == 200
    assert stored(clouds.keeper, "brand new") == preferences(volume=1)
    assert clouds.public.token("brand new", (FREE, SECRET)).status == 200
    (key,) = (one for one in clouds.public.documents() if one["_id"] == "brand new")
    assert key["prefsSafeId"] is None
    for cloud, actor in ((clouds.public, "client-1"), (clouds.keeper, "preferences server")):
        made = [event for event in events(cloud.data) if event["act"] == "key.created"]
        assert [event["actor"] for event in made] == [actor]


@pytest.mark.parametrize(
    "document",
    [
        preferences(fontSize=3),
        {"contexts": {"other": {"preferences": {FONT_SIZE: 3}}}},
        {**preferences(language="de-DE"), FONT_SIZE: 3},
        {**preferences(language="de-DE"), "metadata": [{"type": "priority"}]},
        {"contexts": {"c": {"preferences": {LANGUAGE: "de-DE"}, "priority": 1}}},
    ],
    ids=range(5),
)
def test_p19_what_is_not_listed_does_not_reach_the_other_side(
    clouds: Clouds, document: object
) -> None:
    before = clouds.keeper.documents()
    reply = clouds.public.save("alice", token(clouds.public, "alice", LISTED), document)
    assert (reply.status, reply.json) == (401, {"isError": True, "message": "Unauthorized"})
    assert clouds.keeper.documents() == before


def test_a_key_that_is_revoked_here_opens_and_changes_nothing(tmp_path: Path) -> None:
    file = secret_file(tmp_path)
    import_documents(tmp_path / "data", without_safes())
    asking = ("--preferences-url", "http://127.0.0.1:1", "--preferences-secret-file", file)
    with serving(tmp_path / "data", *asking) as cloud:
        alice = token(cloud, "alice")
        asked = ("key", "revoke", "--yes", "--reason", "lost", "--data", tmp_path / "data", "-")
        revoked = run(*asked, stdin="alice\n")
        assert revoked.returncode == 0, revoked.stderr
        assert cloud.settings("alice", alice, {}).status == 401
        assert cloud.save("alice", alice, preferences(volume=1)).status == 401


def test_a_server_that_is_away_is_503_and_comes_back_without_a_restart(
    place: Path, tmp_path: Path
) -> None:
    door, file = tmp_path / "preferences.sock", secret_file(tmp_path)
    secret = ("--preferences-secret-file", file)
    server = (
        *("cloud", "serve", "--data", place / "more", "--preferences-only", *secret),
        *("--preferences-listen", f"unix:{door}"),
    )
    import_documents(place / "more", everything())
    import_documents(tmp_path / "data", everything())
    with serving(tmp_path / "data", "--preferences-url", f"unix:{door}", *secret) as cloud:
        alice = token(cloud, "alice")
        assert_away(cloud, alice)
        for _ in range(2):
            with started(*server):
                assert cloud.request("GET", "/ready").json == {"isReady": True}
                assert cloud.settings("alice", alice, READER).status == 200
                assert cloud.save("alice", alice, preferences(volume=1)).status == 200
            assert_away(cloud, alice)
        assert str(door) not in cloud.request("GET", "/ready").body.decode()


def assert_away(cloud: Cloud, bearer: str) -> None:
    begun = time.monotonic()
    for reply in (
        cloud.settings("alice", bearer, READER),
        cloud.save("alice", bearer, preferences(volume=0)),
        cloud.request("GET", "/ready"),
    ):
        assert reply.status == 503
        assert int(reply.headers["retry-after"]) > 0
    assert time.monotonic() - begun < 10
    assert cloud.request("GET", "/health").status == 200
    assert cloud.token("alice", (FREE, SECRET)).status == 200, "tokens need no preferences"


def test_a_server_that_never_answers_holds_nobody_longer_than_ten_seconds(tmp_path: Path) -> None:
    import_documents(tmp_path / "data", everything())
    file = secret_file(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        asking = ("--preferences-url", url, "--preferences-secret-file", file)
        with serving(tmp_path / "data", *asking) as cloud:
            alice = token(cloud, "alice")
            begun = time.monotonic()
            assert cloud.settings("alice", alice, READER).status == 503
            assert time.monotonic() - begun < 15


def _commands() -> list[list[str]]:
    """Read every command that the document shows."""
    text = "".join(re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)).replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line.strip()]


def _run(words: list[str], places: dict[str, str]) -> list[str]:
    assert words[0] == "keyin"
    filled = []
    for word in words[1:]:
        for written, here in places.items():
            word = word.replace(written, here)  # noqa: PLW2901 - place by place
        filled.append(word)
    return filled


def test_every_command_of_the_document_runs(tmp_path: Path) -> None:
    """On one machine: with a certificate for this host, and ports that the system picks."""
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    tls = tmp_path / "tls"
    tls.mkdir()
    authority.cert_pem.write_to_path(tls / "internal.pem")
    leaf.cert_chain_pems[0].write_to_path(tls / "chain.pem")
    leaf.private_key_pem.write_to_path(tls / "key.pem")
    (tls / "key.pem").chmod(0o600)
    theirs = {"gpiiKey", "prefsSafe"}
    people = [one for one in everything() if one["type"] in theirs]
    clients = [one for one in everything() if one["type"] not in theirs]
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "people.json").write_text(json.dumps(people))
    (tmp_path / "clients.json").write_text(json.dumps(clients))
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "linux.json5").write_text("{}")
    places = {
        "/etc/keyin/tls": str(tls),
        "/etc/keyin": str(tmp_path),
        "/var/lib/keyin": str(tmp_path / "var"),
        "/run/keyin": str(tmp_path),
        "10.0.0.7:8443": "0.0.0.0:0",
        "127.0.0.1:8081": ANYWHERE,
        "solutions/": str(tmp_path / "solutions"),
        "people/": str(tmp_path / "people"),
        "clients.json": str(tmp_path / "clients.json"),
    }
    servers = []
    with ExitStack() as running:
        for words in _commands():
            arguments = _run(words, places)
            if arguments[:2] != ["cloud", "serve"]:
                done = run(*arguments)
                assert done.returncode in (0, 1), (words, done.stderr)
                continue
            listeners = 2 if "--preferences-listen" in arguments else 1
            listeners -= "--preferences-only" in arguments
            servers.append(running.enter_context(started(*arguments, listeners=listeners)))
            if listeners == 2:
                running.pop_all().close()  # the next ones are the split layout, over two hosts
                continue
            port = servers[-1].url.rpartition(":")[2]
            places["preferences.internal.example:8443"] = f"localhost:{port}"
        cloud = Cloud(servers[-1], tmp_path)
        assert cloud.request("GET", "/ready").json == {"isReady": True}
        alice = token(cloud, "alice")
        answer = cloud.settings("alice", alice, READER).json
        assert answer["preferences"]["contexts"]["gpii-default"]["preferences"] == {}
        assert cloud.save("alice", alice, preferences(volume=0.5)).status == 200
    kept = stored(Cloud(servers[-2], tmp_path / "var" / "preferences"), "alice")
    assert kept["contexts"]["gpii-default"]["preferences"][COMMON + "volume"] == 0.5


def test_p91_neither_server_says_a_key_a_secret_or_a_preference(clouds: Clouds) -> None:
    key, value = "marked-key-of-a-person", "marked-preference"
    bearer = token(clouds.public, key, MAKER)
    document = {"contexts": {value: {"preferences": {COMMON + "unheardOf": value}}}}
    unfit = {"contexts": {value: {"preferences": {LANGUAGE: value}}}}
    assert clouds.public.save(key, bearer, document).status == 200
    assert clouds.public.save(key, bearer, unfit).status == 400
    assert clouds.public.settings(key, bearer, READER).status == 200
    assert clouds.prefer("GET", f"/preferences/{key}?view={value}").status == 200
    assert clouds.prefer("PUT", f"/preferences/{key}", body="{").status == 400
    time.sleep(0.5)
    marks = {key, value, bearer, clouds.secret}
    for process in (clouds.public.process, clouds.keeper.process):
        assert process.output
        assert not found(marks, process.output.encode())
        about = Path(f"/proc/{process.process.pid}")
        for name in ("cmdline", "environ"):
            assert not found(marks, (about / name).read_bytes())
