"""P90 over started processes: every act leaves exactly one event, with who, where, what and why.

Another act is another function in `ACTS`.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key
from tests import audit_log
from tests.cloud_documents import FREE, MAKER, NETWORKED, SECRET, everything, preferences
from tests.cloud_documents import key as key_document
from tests.cloud_documents import safe as safe_document
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_client import ISSUER, Computer, registered
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SITE, SOFTWARE = "Main hall", ("net.keyin.requester", "1.4.2")
PSEUDONYM = re.compile("k_[0-9a-f]{32}")
REQUEST_ID = "abcdef0123456789"
Told = dict[str, Any]


@dataclass
class Scene:
    """A cloud, and a computer that has a token."""

    cloud: Cloud
    computer: Computer
    token: str
    folder: Path
    before: int = 0
    """How long the log was before the act."""

    def begin(self) -> None:
        self.before = audit_log.length(self.cloud.data)

    @property
    def news(self) -> list[Told]:
        """Return what came since; a look at the clients leaves a word too, which is no act."""
        found = audit_log.events(self.cloud.data, self.before)
        return [event for event in found if event["act"] != "administrator.asked"]

    def verb(self, *words: object, stdin: str = "") -> Any:
        done = run(*words, "--data", self.cloud.data, "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def oauth(self, path: str, **form: str) -> int:
        headers = {"X-Request-Id": REQUEST_ID, "DPoP": self.computer.proof()}
        return self.cloud.form(path, form, headers).status

    @property
    def by_computer(self) -> Told:
        return {
            "actor": self.computer.client_id,
            "address": "127.0.0.1",
            "site": SITE,
            "request_id": REQUEST_ID,
            "client": any_text,
        }


class _Any(str):
    """Equal to every text: the field is there."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(other)


class _Key(_Any):
    """Equal to every pseudonym of a key."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(PSEUDONYM.fullmatch(other))


class _Detail:
    """Equal to every detail."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and bool(other)

    def __hash__(self) -> int:
        return 0


any_text, any_key, any_detail = _Any(), _Key(), _Detail()
ADMINISTRATOR = {"actor": "administrator", "outcome": "done"}


def legacy(scene: Scene, key: str, name: str = FREE, **more: str) -> int:
    form = {"grant_type": "password", "client_id": name, "client_secret": SECRET}
    form |= {"username": key, "password": "dummy", **more}
    return scene.cloud.form("/access_token", form, {"X-Request-Id": REQUEST_ID}).status


BY_LEGACY = {
    "actor": FREE,
    "client": any_text,
    "address": "127.0.0.1",
    "request_id": REQUEST_ID,
}


def _legacy_grant(scene: Scene) -> Told:
    assert legacy(scene, "alice") == 200
    detail = {
        "grant": "password",
        "scope": "settings:read settings:write",
        "audience": "settings",
    }
    return {
        "act": "token.issued", "outcome": "done", "key": any_key, "detail": detail, **BY_LEGACY
    }  # fmt: skip


def _exchange(scene: Scene) -> Told:
    assert scene.oauth("/oauth2/token", **scene.computer.form("alice", scope=None)) == 200
    detail = {"grant": "token-exchange", "scope": "settings:read", "audience": "settings"}
    return {"act": "token.issued", "outcome": "done", "key": any_key, "detail": detail,
            **scene.by_computer}  # fmt: skip


def _refused_key(scene: Scene) -> Told:
    assert legacy(scene, "a key that never was") == 401
    return {"act": "token.refused", "outcome": "refused", "reason": "unknown_key", "key": any_key,
            **BY_LEGACY}  # fmt: skip


def _refused_network(scene: Scene) -> Told:
    assert legacy(scene, "alice", NETWORKED) == 401
    return {"act": "token.refused", "outcome": "refused", "reason": "network",
            **BY_LEGACY, "actor": NETWORKED}  # fmt: skip


def _refused_exchange(scene: Scene) -> Told:
    assert scene.oauth("/oauth2/token", **scene.computer.form("nobody's")) == 400
    return {"act": "token.refused", "outcome": "refused", "reason": "unknown_key", "key": any_key,
            **scene.by_computer}  # fmt: skip


def _refused_scope(scene: Scene) -> Told:
    assert scene.oauth("/oauth2/token", **scene.computer.form("alice", scope="everything")) == 400
    return {"act": "token.refused", "outcome": "refused", "reason": "scope", **scene.by_computer}


def _refused_grant_type(scene: Scene) -> Told:
    assert scene.oauth("/oauth2/token", **scene.computer.form("alice", grant_type="magic")) == 400
    return {"act": "token.refused", "reason": "grant_type", **scene.by_computer}


def _revoked(scene: Scene) -> Told:
    form = scene.computer.form("x", token=scene.token)
    assert scene.oauth("/oauth2/revoke", **form) == 200
    return {"act": "token.revoked", "outcome": "done", "key": any_key, **scene.by_computer}


def _registered(scene: Scene) -> Told:
    registered(scene.cloud.data, "--site", SITE)
    return {"act": "client.registered", "site": SITE, "client": any_text, **ADMINISTRATOR}


def _suspended(scene: Scene) -> Told:
    scene.verb("client", "suspend", scene.computer.client_id, "--reason", "lost")
    return {"act": "client.suspended", "site": SITE, "client": any_text, "reason": "lost",
            **ADMINISTRATOR}  # fmt: skip


def _ended(scene: Scene) -> Told:
    scene.verb("client", "revoke", scene.computer.client_id, "--yes", "--reason", "sold")
    return {"act": "client.revoked", "client": any_text, "reason": "sold", **ADMINISTRATOR}


def _key_of_client_ended(scene: Scene) -> Told:
    scene.verb("client", "revoke-key", scene.computer.key.public.thumbprint, "--yes")
    return {"act": "client_key.revoked", "detail": any_detail, **ADMINISTRATOR}


def _key_of_client_added(scene: Scene) -> Told:
    file = scene.folder / "new.jwk"
    file.write_bytes(new_key(SystemEntropy()).public.jwk)
    scene.verb("client", "add-key", scene.computer.client_id, "--public-key", file)
    return {"act": "client_key.added", "client": any_text, **ADMINISTRATOR}


def _token_ended(scene: Scene) -> Told:
    scene.verb("token", "revoke", stdin=scene.token + "\n")
    return {"act": "token.revoked", **ADMINISTRATOR}


def _site_stopped(scene: Scene) -> Told:
    scene.verb("site", "create", "Annexe 1")
    scene.begin()
    scene.verb("site", "suspend", "Annexe 1")
    return {"act": "site.changed", "site": "Annexe 1", **ADMINISTRATOR}


def _site_made(scene: Scene) -> Told:
    scene.verb("site", "create", "Annexe 2")
    return {"act": "site.changed", "site": "Annexe 2", **ADMINISTRATOR}


def _member_added(scene: Scene) -> Told:
    scene.verb("site", "create", "Annexe 3")
    scene.verb("account", "create", "mia", stdin="violet tram and gravel\n")
    scene.begin()
    scene.verb("site", "member", "add", "Annexe 3", "mia")
    return {"act": "membership.changed", "site": "Annexe 3", **ADMINISTRATOR}


def _software_stopped(scene: Scene) -> Told:
    scene.verb("software", "stop", "net.example.reader", "9", "--unseen")
    return {"act": "software.changed", "detail": any_detail, **ADMINISTRATOR}


def _key_ended(scene: Scene) -> Told:
    scene.verb("key", "revoke", "-", "--yes", stdin="lost\n")
    return {"act": "key.revoked", "key": any_key, **ADMINISTRATOR}


def _key_made(scene: Scene) -> Told:
    scene.verb("key", "create")
    return {"act": "key.created", "key": any_key, **ADMINISTRATOR}


def _key_made_by_saving(scene: Scene) -> Told:
    pair = (MAKER, SECRET)
    token = scene.cloud.token("a key to be made", pair).json["access_token"]
    scene.begin()
    for _ in range(2):  # the second time there is nothing to make
        assert scene.cloud.save("a key to be made", token, preferences(volume=1)).status == 200
    return {"act": "key.created", "outcome": "done", "key": any_key, "client": any_text,
            "address": "127.0.0.1", "request_id": any_text}  # fmt: skip


def _policy_changed(scene: Scene) -> Told:
    scene.verb("key", "policy", "-", "--read-only", stdin="bob\n")
    return {"act": "policy.changed", "key": any_key, **ADMINISTRATOR}


ACTS: tuple[Callable[[Scene], Told], ...] = (
    _legacy_grant,
    _exchange,
    _refused_key,
    _refused_network,
    _refused_exchange,
    _refused_scope,
    _refused_grant_type,
    _revoked,
    _registered,
    _suspended,
    _ended,
    _key_of_client_added,
    _key_of_client_ended,
    _token_ended,
    _site_stopped,
    _site_made,
    _member_added,
    _software_stopped,
    _key_ended,
    _key_made,
    _key_made_by_saving,
    _policy_changed,
)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    data = tmp_path_factory.mktemp("p90") / "data"
    import_documents(data, [*everything(), key_document("lost"), safe_document("lost")])
    with serving(data, "--issuer", ISSUER) as running:
        yield running


@pytest.fixture
def scene(cloud: Cloud, tmp_path: Path) -> Scene:
    computer = registered(cloud.data, "--site", SITE, "--software", *SOFTWARE)
    token = computer.token(cloud, scope="settings:read")
    scene = Scene(cloud, computer, token, tmp_path)
    scene.begin()
    return scene


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__.strip("_"))
def test_p90_an_act_leaves_one_event(scene: Scene, act: Callable[[Scene], Told]) -> None:
    began = time.time()
    expected = act(scene)
    (event,) = scene.news
    assert {name: event.get(name) for name in expected} == expected
    assert began - 1 <= event["at"] / 1000 <= time.time() + 1
    assert event["outcome"] in {"done", "refused"}


def test_p90_a_proof_that_comes_twice_leaves_its_event_each_time(scene: Scene) -> None:
    computer = scene.computer
    form, proof = computer.form("alice"), computer.proof()
    for _ in range(2):
        headers = {"DPoP": proof, "X-Request-Id": REQUEST_ID}
        scene.cloud.form("/oauth2/token", form, headers)
    told = [(one["act"], one.get("reason")) for one in scene.news]
    assert told == [("token.issued", None), ("token.refused", "replayed")]


def test_p90_what_is_no_act_leaves_nothing(scene: Scene) -> None:
    """A client that is not authenticated, a nonce to come, a look at settings or at a token."""
    assert scene.cloud.token("alice", (FREE, "wrong")).status == 401
    assert scene.cloud.token("alice", ("nobody", SECRET)).status == 401
    scene.computer.nonce = None
    assert scene.oauth("/oauth2/token", **scene.computer.form("alice")) == 400
    assert scene.oauth("/oauth2/introspect", **scene.computer.form("x", token=scene.token)) == 200
    assert scene.cloud.settings("alice", "no token", {}).status == 401
    assert scene.news == []


def test_p90_an_import_leaves_an_event_a_commit(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    events = audit_log.events(data)
    assert {event["act"] for event in events} == {"store.imported"}
    assert {name for event in events for name in event["detail"]} == {
        "clients",
        "credentials",
        "safes",
        "keys",
    }


def test_p90_a_key_has_one_name_in_all_its_events(scene: Scene) -> None:
    legacy(scene, "alice")
    scene.oauth("/oauth2/token", **scene.computer.form("alice"))
    scene.oauth("/oauth2/token", **scene.computer.form("bob"))
    names = [event["key"] for event in scene.news]
    assert names[0] == names[1] != names[2]
    assert "alice" not in "".join(names)
