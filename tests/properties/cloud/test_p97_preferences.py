"""P97: store and preferences server answer to who has the secret, and to nobody else; P4 beside it.

What a deployment adds (which hosts reach the port) is not in these tests.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.cloud_documents import FREE, SECRET, everything, preferences
from tests.cloud_process import import_documents, send, serving
from tests.oauth_application import application
from tests.oauth_client import ISSUER, Computer, registered
from tests.preferences_server import ANYWHERE, Clouds, combined, secret_file
from tests.started import run, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.oauth_application import Application

DOCUMENT = json.dumps(preferences(fontSize=12))
BODIES = (DOCUMENT, "{", "x" * 1_100_000)
ROUTES = [
    ("GET", "/preferences/alice"),
    ("GET", "/preferences/alice?view=ISO24751"),
    ("GET", "/preferences/nobody"),
    ("PUT", "/preferences/alice"),
    ("PUT", "/preferences/alice?merge=true"),
    ("POST", "/preferences"),
    ("GET", "/health"),
    ("GET", "/ready"),
]
UNAUTHORIZED = {"isError": True, "message": "Unauthorized"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("p97") / "data"
    import_documents(folder, everything())
    return folder


@pytest.fixture(scope="module")
def desk(data: Path) -> Computer:
    return registered(data)


@pytest.fixture(scope="module")
def job(data: Path) -> Application:
    grants = ("--grant", "client-credentials", "--scope", "installations:read")
    return application(data, "client_secret_post", *grants, "--site", "Main hall")


@pytest.fixture(scope="module")
def clouds(data: Path, desk: Computer, job: Application) -> Iterator[Clouds]:
    assert desk.client_id
    assert job.client_id
    with combined(data, "--issuer", ISSUER) as running:
        yield running


def headers_without_the_secret(clouds: Clouds) -> dict[str, dict[str, str]]:
    secret = clouds.secret
    other = "A" if secret[-5] != "A" else "B"
    shown = {
        "empty": "",
        "no scheme": secret,
        "no token": "Bearer",
        "another": "Bearer " + "x" * 43,
        "one letter off": f"Bearer {secret[:-5]}{other}{secret[-4:]}",
        "cut": f"Bearer {secret[:-1]}",
        "longer": f"Bearer {secret}A",
        "another case": f"Bearer {secret.swapcase()}",
        "twice": f"Bearer {secret} {secret}",
        "basic": f"Basic {secret}",
        "bound": f"DPoP {secret}",
        "odd": "Bearer \xe4\xf6",
    }
    told = {name: {"Authorization": value} for name, value in shown.items()}
    told["nothing"] = {}
    told["loopback says so"] = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
    told["its name"] = {"Host": "localhost", "X-Keyin-Secret": secret, "Cookie": f"secret={secret}"}
    return told


def strangers(clouds: Clouds, desk: Computer, job: Application) -> dict[str, dict[str, str]]:
    """Give every token that there is: of whatever class, it is none of this door's."""
    desk.learn_nonce(clouds.public)
    bound = desk.token(clouds.public, "alice")
    legacy = clouds.public.token("alice", (FREE, SECRET)).json["access_token"]
    form = {
        "grant_type": "client_credentials",
        "client_id": job.client_id,
        "client_secret": job.secret or "",
    }
    reply = clouds.public.form("/oauth2/token", form)
    assert reply.status == 200, reply.body
    machine = reply.json["access_token"]
    return {
        "legacy": {"Authorization": f"Bearer {legacy}"},
        "machine": {"Authorization": f"Bearer {machine}"},
        "client": {"Authorization": f"Bearer {SECRET}"},
        "bound": {"Authorization": f"Bearer {bound}"},
        "bound and proven": {
            "Authorization": f"DPoP {bound}",
            "DPoP": desk.proof("GET", f"{ISSUER}/preferences/alice", bound),
        },
    }


def assert_shut(clouds: Clouds, headers: dict[str, str], why: str) -> None:
    for method, path in ROUTES:
        for body in BODIES if method != "GET" else (None,):
            sent = {**headers, "Content-Type": "application/json"}
            reply = send(clouds.preferences, method, path, headers=sent, body=body)
            assert (reply.status, reply.json) == (401, UNAUTHORIZED), (why, method, path)


def test_p97_without_the_secret_nothing_is_answered(clouds: Clouds) -> None:
    before = clouds.keeper.documents()
    for why, headers in headers_without_the_secret(clouds).items():
        assert_shut(clouds, headers, why)
    listed = send(clouds.preferences, "GET", f"/preferences/alice?access_token={clouds.secret}")
    assert listed.status == 401
    assert clouds.keeper.documents() == before


def test_p04_no_token_of_any_class_opens_the_preferences_server(
    clouds: Clouds, desk: Computer, job: Application
) -> None:
    for why, headers in strangers(clouds, desk, job).items():
        assert_shut(clouds, headers, why)


def test_p81_no_body_is_waited_for_without_the_secret(clouds: Clouds) -> None:
    place = urlsplit(clouds.preferences)
    for method, path in ROUTES:
        with socket.create_connection((str(place.hostname), place.port or 0), timeout=5) as wire:
            began = time.monotonic()
            wire.sendall(
                f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{".encode()
            )
            assert wire.recv(12) == b"HTTP/1.1 401"
            assert time.monotonic() - began < 2


def test_p82_the_preferences_server_has_its_limits(clouds: Clouds) -> None:
    headers = {"Content-Type": "application/json"}
    alice = "/preferences/alice"
    for body, status in (
        (" " * (1024 * 1024 + 1), 413),
        ("[" * 100, 400),
        (json.dumps({"contexts": {str(n): {"preferences": {}} for n in range(101)}}), 413),
        (json.dumps({"contexts": {"a": {"preferences": {"x": [[]] * 20_001}}}}), 400),
    ):
        assert clouds.prefer("PUT", alice, headers=headers, body=body).status == status
        assert clouds.prefer("POST", "/preferences", headers=headers, body=body).status == status
    some = json.dumps({"contexts": {"a": {"preferences": {"x": "y" * 150_000}}}})
    answers = [
        clouds.prefer("PUT", f"/preferences/bob?view=v{n}", headers=headers, body=some).status
        for n in range(12)
    ]
    assert (answers[0], answers[-1]) == (200, 413), "a safe grows by ontologies no further either"
    latin = {"Content-Type": "application/json; charset=latin-1"}
    assert clouds.prefer("PUT", alice, headers=latin, body="{}").status == 415
    assert clouds.prefer("PUT", "/preferences/%ff", headers=headers, body=some).status == 400


def test_p97_with_the_secret_everything_is(clouds: Clouds) -> None:
    assert clouds.prefer("GET", "/preferences/alice").status == 200
    assert clouds.prefer("GET", "/health").json == {"isHealthy": True}
    assert clouds.prefer("GET", "/ready").json == {"isReady": True}
    shouted = {"Authorization": f"BEARER {clouds.secret}"}
    assert clouds.prefer("GET", "/preferences/alice", headers=shouted).status == 200
    assert clouds.secret not in clouds.public.process.output


def test_p97_no_other_listener_has_it(clouds: Clouds) -> None:
    headers = {"Authorization": f"Bearer {clouds.secret}", "Content-Type": "application/json"}
    for place in (clouds.public.process.listeners[0], clouds.public.process.listeners[-1]):
        for method, path in ROUTES[:6]:
            assert send(place, method, path, headers=headers, body=DOCUMENT).status == 404
    public = clouds.public.process.listeners[-1]
    settings = send(public, "GET", "/alice/settings/%7B%7D", headers=headers)
    assert settings.status == 401, "the secret is no token"
    for method, path in (("GET", "/alice/settings/%7B%7D"), ("POST", "/access_token")):
        assert send(clouds.preferences, method, path, headers=headers).status == 404


def listening(pid: int) -> set[int | str]:
    """Return the ports, and the paths of Unix sockets, that a process listens on."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found: set[int | str] = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(int(fields[1].rpartition(":")[2], 16))
    for line in Path(f"/proc/{pid}/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[6] in inodes and int(fields[3], 16) & 0x10000 and len(fields) > 7:
            found.add(fields[7])
    return found


def test_p97_a_cloud_listens_where_it_says_and_nowhere_else(clouds: Clouds, tmp_path: Path) -> None:
    plain = tmp_path / "data"
    with serving(plain) as cloud:
        ports = {int(cloud.url.rpartition(":")[2])}
        assert {
            one for one in listening(cloud.process.process.pid) if isinstance(one, int)
        } == ports
        paths = {one for one in listening(cloud.process.process.pid) if isinstance(one, str)}
        assert all(Path(one).parent == plain for one in paths), paths
        assert cloud.request("GET", "/preferences/alice").status == 404
    process = clouds.public.process
    said = {int(place.rpartition(":")[2]) for place in process.listeners}
    assert {one for one in listening(process.process.pid) if isinstance(one, int)} == said


def test_p97_the_store_is_open_to_its_own_account_only(clouds: Clouds) -> None:
    folder = clouds.public.data
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secrets").stat().st_mode) == 0o700
    assert folder.stat().st_uid == os.geteuid()


def test_p97_over_a_unix_socket_the_secret_is_asked_for_too(data: Path, tmp_path: Path) -> None:
    place, file = tmp_path / "preferences.sock", secret_file(tmp_path)
    options = ("--preferences-listen", f"unix:{place}", "--preferences-secret-file", file)
    copied = tmp_path / "data"
    import_documents(copied, everything())
    with started("cloud", "serve", "--data", copied, "--preferences-only", *options) as server:
        assert server.listeners == [f"unix:{place}"]
        assert stat.S_IMODE(place.stat().st_mode) == 0o660
        asking = ("--preferences-url", f"unix:{place}", "--preferences-secret-file", file)
        with serving(data.parent / "flow", *asking) as cloud:
            assert cloud.request("GET", "/ready").status == 200
        wrong = secret_file(_folder(tmp_path / "wrong"))
        asking = ("--preferences-url", f"unix:{place}", "--preferences-secret-file", wrong)
        with serving(data.parent / "flow", *asking) as cloud:
            reply = cloud.request("GET", "/ready")
            assert (reply.status, reply.json["message"]) == (
                503,
                "Error connecting to Preferences Server",
            )


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _other_modes(folder: Path) -> dict[str, Path]:
    good = secret_file(folder)
    readable, linked, short, many = (
        folder / name for name in ("readable", "link", "short", "many")
    )
    readable.write_bytes(good.read_bytes())
    readable.chmod(0o640)
    linked.symlink_to(good)
    for path, text in ((short, "x" * 42), (many, "\n".join(["x" * 43] * 3))):
        path.touch(mode=0o600)
        path.write_text(text)
    return {"readable": readable, "linked": linked, "short": short, "many": many}


GOOD = ("--preferences-secret-file", "{good}")
WRONG: list[tuple[str, tuple[str, ...]]] = [
    ("needs its secret", ("--preferences-listen", ANYWHERE)),
    ("needs its secret", ("--preferences-url", "http://127.0.0.1:1")),
    ("nothing to serve", ("--preferences-only",)),
    ("plain HTTP", ("--preferences-listen", "0.0.0.0:0", *GOOD)),
    ("no place", ("--preferences-listen", "localhost:0", *GOOD)),
    ("must be https", ("--preferences-url", "http://10.1.2.3", *GOOD)),
    ("must be https", ("--preferences-url", "http://localhost:1", *GOOD)),
    ("must be https", ("--preferences-url", "https://a:b@c", *GOOD)),
    ("ask another one", (
        *("--preferences-listen", ANYWHERE, "--preferences-url", "https://x.example"), *GOOD,
    )),
    *(
        (text, ("--preferences-listen", ANYWHERE, "--preferences-secret-file", "{" + name + "}"))
        for text, name in (
            ("this account alone", "readable"), ("cannot be used", "linked"),
            ("256 bits", "short"), ("256 bits", "many"), ("cannot be used", "absent"),
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arguments"), WRONG)
def test_p97_a_preferences_server_that_would_be_open_does_not_start(
    text: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    files: dict[str, Any] = {"good": secret_file(tmp_path), "absent": tmp_path / "absent"}
    files |= _other_modes(tmp_path)
    filled = [one.format(**files) for one in arguments]
    done = run("cloud", "serve", "--data", tmp_path / "data", "--listen", ANYWHERE, *filled)
    assert done.returncode == 3, (done.stdout, done.stderr)
    assert text in done.stderr
    assert files["good"].read_text().strip() not in done.stderr


def test_a_secret_is_made_once_for_its_own_account(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    done = run("cloud", "preferences-secret", file, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"file": str(file)})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    made = file.read_text()
    assert len(made) == 44
    again = run("cloud", "preferences-secret", file)
    assert again.returncode == 3
    assert file.read_text() == made
    assert made.strip() not in again.stderr + done.stdout


def test_a_secret_is_changed_without_an_outage(tmp_path: Path) -> None:
    """A second line is accepted, and never sent."""
    old, new = (secret_file(_folder(tmp_path / name)).read_text() for name in ("old", "new"))
    file = secret_file(tmp_path)
    file.write_text(new + old)
    with combined(tmp_path / "data") as clouds:
        for secret, status in ((old, 404), (new, 404), ("x" * 43, 401)):
            shown = {"Authorization": f"Bearer {secret.strip()}"}
            assert send(clouds.preferences, "GET", "/preferences/x", headers=shown).status == status
