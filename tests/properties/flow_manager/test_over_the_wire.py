"""What a key-in sends to the cloud: how much, proven by whom, and nothing of the key in any URL."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from keyin.wire.jose import parse, wrapped
from tests.enrolled import enrol
from tests.recording_proxy import Sent, Wire, recording_proxy
from tests.shared_data import GPII_DATA, needs_shared
from tests.started import run, started
from tests.three_processes import (
    KEY,
    PREFERENCES,
    REGISTRY,
    SECRET,
    SOLUTION,
    documents,
    person,
    requester_config,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from subprocess import CompletedProcess

THREE = ("org.gnome.desktop.a11y.magnifier", "org.gnome.orca", "org.gnome.desktop.interface")
REVOKE = "/oauth2/revoke"
LIMIT = 10_000  # bytes of a key-in, both directions, headers and proofs included
DPOP = frozenset({"alg", "typ", "jwk"})


@dataclass
class Watched:
    """A computer behind a proxy that remembers."""

    folder: Path
    environment: dict[str, str]
    wire: Wire
    url: str

    def keyin(self, *arguments: str, key: str = "") -> CompletedProcess[str]:
        done = run(*arguments, environment=self.environment, stdin=key)
        assert done.returncode == 0, done.stderr
        return done

    def key_in(self, key: str, *options: str) -> list[Sent]:
        """Key in; return what was asked for it."""
        self.wire.clear()
        self.keyin("login", "-", *options, key=key)
        return [one for one in self.wire.requests() if one.path != REVOKE]

    def key_out(self) -> None:
        """Key out; return when the cloud knows it."""
        self.keyin("logout")
        for _ in range(200):
            if self.wire.requests()[-1].path == REVOKE:
                return
            time.sleep(0.02)
        raise AssertionError(self.wire.requests())

    @property
    def cached(self) -> list[Path]:
        return list((self.folder / "cache" / "keyin" / "registries").iterdir())


@contextmanager
def watched(folder: Path, imported: Sequence[object], has: Sequence[str]) -> Iterator[Watched]:
    """Start cloud, proxy, requester and flow manager; the proxy's address is the issuer."""
    environment, data = person(folder), folder / "cloud"
    done = run("cloud", "import", "--data", data, *imported)
    assert done.returncode == 0, done.stderr
    (folder / "requester").mkdir(mode=0o700)
    enrol(data, folder / "requester" / "credential.json")
    report = folder / "device.json"
    report.write_text(json.dumps([{"id": name} for name in has]))
    with recording_proxy() as (url, wire):
        serve = ("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0", "--issuer", url)
        config = requester_config(folder, url)
        with started(*serve) as cloud, started("requester", "serve", "--config", config):
            place = urlsplit(cloud.url)
            wire.to = (place.hostname or "", place.port or 0)
            flow_manager = ("flow-manager", "serve", "--cloud", url, "--device-report", report)
            more = ("--requester", folder / "requester" / "socket")
            with started(*flow_manager, *more, environment=environment):
                yield Watched(folder, environment, wire, url)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "linux.json5").write_text(json.dumps(REGISTRY))
    (tmp_path / "documents.json").write_text(json.dumps(documents(KEY, SECRET, PREFERENCES)))
    imported = ("--solutions", tmp_path / "linux.json5", tmp_path / "documents.json")
    with watched(tmp_path, imported, [SOLUTION]) as made:
        yield made


def proof_of(sent: Sent) -> tuple[dict[str, Any], dict[str, Any]]:
    jws = parse(sent.headers["dpop"], parameters=DPOP)
    return dict(jws.header), dict(jws.claims)


def test_p11_every_request_of_a_key_in_is_proven_by_a_key_of_its_own(small: Watched) -> None:
    keys: list[str] = []
    seen: set[str] = set()
    for _ in range(2):
        requests = small.key_in(KEY)
        small.key_out()
        proven = [one for one in requests if "dpop" in one.headers]
        assert [one.path for one in proven if one.path.startswith("/oauth2")]
        for one in proven:
            header, claims = proof_of(one)
            assert header["typ"] == "dpop+jwt"
            assert "d" not in header["jwk"]
            assert (claims["htm"], claims["htu"]) == (one.method, small.url + one.path)
            assert abs(claims["iat"] - time.time()) < 60
            keys.append(json.dumps(header["jwk"]))
            assert claims["jti"] not in seen
            seen.add(claims["jti"])
            scheme, _, token = one.headers.get("authorization", "").partition(" ")
            assert scheme == ("" if one.path == "/oauth2/token" else "DPoP")
            ath = wrapped(sha256(token.encode()).digest()) if token else None
            assert claims.get("ath") == ath
        assert all("dpop" in one.headers or one.path.startswith("/.well") for one in requests)
        # one key for all of a key-in, and another one for the next
        assert len(set(keys[-len(proven) :])) == 1
    assert len(set(keys)) == 2


def test_no_url_and_no_header_holds_the_key_of_a_person(small: Watched) -> None:
    requests = small.key_in(KEY)
    assert {one.path.partition("/sol")[0] for one in requests} <= {
        "/.well-known/oauth-authorization-server",
        "/oauth2/token",
        "/settings/query",
        "",
    }
    assert KEY not in str(requests)
    small.key_out()


def test_a_nonce_that_is_over_costs_one_more_question_and_no_more(small: Watched) -> None:
    first = [one.path for one in small.key_in(KEY)]
    small.key_out()
    again = [one.path for one in small.key_in(KEY)]
    assert first.count("/oauth2/token") == 2
    assert again == ["/oauth2/token", "/settings/query"]


def test_the_kept_registry_is_private_and_believed_only_if_whole(small: Watched) -> None:
    small.key_in(KEY)
    small.key_out()
    (kept,) = small.cached
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert sha256(kept.read_bytes()).hexdigest() == kept.name
    right = kept.read_bytes()
    kept.write_bytes(right.replace(b'"live"', b'"dead"'))
    assert f"/solutions/{kept.name}" in [one.path for one in small.key_in(KEY)]
    small.key_out()
    assert kept.read_bytes() == right
    kept.unlink()
    kept.symlink_to("/etc/passwd")
    assert f"/solutions/{kept.name}" in [one.path for one in small.key_in(KEY)]
    assert kept.read_bytes() == right
    assert not kept.is_symlink()


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "chflags"), reason="root writes anywhere")
def test_a_cache_that_cannot_be_written_hinders_nobody(small: Watched) -> None:
    (small.folder / "cache").chmod(0o500)
    small.key_in(KEY)
    (small.folder / "cache").chmod(0o700)
    assert small.cached == []


@needs_shared
def test_a_key_in_with_a_kept_registry_takes_ten_kilobytes(tmp_path: Path) -> None:
    """Li, three Linux solutions, the project's whole registry for Linux; nothing is changed."""
    imported = ("--solutions", GPII_DATA / "solutions", GPII_DATA / "preferences")
    with watched(tmp_path, imported, THREE) as computer:
        computer.key_in("li", "--dry-run")
        cold = computer.wire.size
        requests = computer.key_in("li", "--dry-run")
        warm = computer.wire.size
        print(f"bytes of a key-in: {cold} without, {warm} with the registry")  # noqa: T201 - figures
        assert [one.path for one in requests] == ["/oauth2/token", "/settings/query"]
        assert warm <= LIMIT
        registry = computer.cached[0].stat().st_size
        assert cold < registry  # it came packed
