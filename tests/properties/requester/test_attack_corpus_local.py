"""Others' bugs on the computer itself, each a test named after it (peers.md §4, attack corpus)."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keyin.domain.errors import RequesterUnreachable
from keyin.remote.access_requester import RequesterClient
from tests.fakes.cloud import FakeCloud, running_cloud
from tests.properties.requester.place import (
    ANYBODYS_PYTHON,
    NOBODY,
    Place,
    needs_other_account,
    new_place,
    readable_asker,
)
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
TRIES = 40
LISTEN = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
print("up", flush=True)
while True:
    c, _ = s.accept()
    c.settimeout(5)
    print(len(c.recv(99)), flush=True)
"""


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with running_cloud() as one:
        yield one


@pytest.fixture
def place(cloud: FakeCloud) -> Iterator[Place]:
    with new_place(cloud.url) as one:
        yield one


@contextmanager
def squatting(name: Path) -> Iterator[list[int]]:
    """Listen as another account; what is yielded has, at the end, how many bytes each one said."""
    heard: list[int] = []
    with subprocess.Popen(
        [ANYBODYS_PYTHON, "-I", "-c", LISTEN, name],
        user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env={}, text=True,
        stdout=subprocess.PIPE,
    ) as squatter:  # fmt: skip
        assert squatter.stdout is not None
        assert squatter.stdout.readline() == "up\n"
        yield heard
        squatter.kill()
        heard += map(int, squatter.stdout.read().split())


@needs_other_account
async def test_corpus_oidc_agent_603_another_account_squats_on_the_socket_in_tmp(
    place: Place,
) -> None:
    """Where everybody may make files, whoever comes first would be taken for the requester."""
    tmp = place.folder / "tmp"
    tmp.mkdir()
    tmp.chmod(0o1777)
    name = tmp / "s.sock"
    with squatting(name) as heard:
        for client in (RequesterClient.at(name), RequesterClient.at(name, expect_uid=0)):
            with pytest.raises(RequesterUnreachable):
                await client.status()
        config = place.config()
        config.write_text(config.read_text().replace("'s.sock'", "'tmp/s.sock'"))
        assert run("requester", "serve", "--config", config).returncode == 3
        assert name.is_socket(), "what is another's is left alone"
        assert name.stat().st_uid == NOBODY
    assert not any(heard), "the squatter was told something"


def test_corpus_oidc_agent_603_no_socket_is_made_where_others_could_have_been_first(
    place: Place,
) -> None:
    """Also without anybody there yet, and through a link."""
    tmp = place.folder / "tmp"
    tmp.mkdir()
    tmp.chmod(0o1777)
    (place.folder / "link").symlink_to(tmp)
    for where in ("tmp/s.sock", "link/s.sock"):
        config = place.config()
        config.write_text(config.read_text().replace("'s.sock'", f"'{where}'"))
        refused = run("requester", "serve", "--config", config)
        assert refused.returncode == 3
        assert "Next step" in refused.stderr
        assert not (tmp / "s.sock").exists()


def test_corpus_spire_2454_what_fails_leaves_a_good_credential_where_it_is(
    place: Place, cloud: FakeCloud
) -> None:
    """An agent of SPIRE whose renewal failed had deleted what it could have gone on with."""
    before = place.credential.read_bytes()
    with place.serving():
        assert place.ask("token", gpii_key="alice-key")["ok"]
        cloud.instead = (503, {}, b"")
        assert place.ask("token", gpii_key="bob-key")["error"] == "cloud_unreachable"
        cloud.instead = None
        assert place.ask("token", gpii_key="bob-key")["ok"]
        known, cloud.clients = cloud.clients, {}
        assert place.ask("forget")["forgotten"] == 2
        assert place.ask("token", gpii_key="bob-key")["error"] == "credential_revoked"
        assert place.ask("status")["enrolled"] is True
        at = ("--credential", place.credential)
        for words in (("new-key",), ("adopt", "gai_another")):
            assert run("requester", *words, *at).returncode == 3, words
        assert place.credential.read_bytes() == before
    cloud.clients = known
    with place.serving():
        assert place.ask("token", gpii_key="alice-key")["ok"]
    assert place.credential.read_bytes() == before


@needs_other_account
@pytest.mark.skipif(not os.access(LAST_PID, os.W_OK), reason="no process id can be chosen here")
def test_corpus_pid_reuse_who_gets_the_number_of_an_allowed_process_gets_nothing(
    place: Place,
) -> None:
    """Who asks is the account that the kernel saw connecting, not a number looked up later."""
    script = readable_asker(place.folder)
    with place.serving(allow=[os.geteuid(), 12_345]):  # so that all may knock
        for _ in range(TRIES):
            first, said = asked(script, place, os.geteuid())
            assert said["bytes"] > 0
            LAST_PID.write_text(str(first - 1))
            again, said = asked(script, place, NOBODY)
            assert (said["uid"], said["bytes"]) == (NOBODY, 0)
            if again == first:
                break
        else:
            pytest.skip("other processes took every number first")
        assert place.ask("token", gpii_key="alice-key")["ok"]


def asked(script: Path, place: Place, uid: int) -> tuple[int, dict[str, Any]]:
    """Ask for a token in a process of its own; return its number and what it heard."""
    words = [json.dumps(place.token_request()), str(place.socket)][::-1]
    with subprocess.Popen(
        [ANYBODYS_PYTHON, "-I", script, *words],
        user=uid, group=uid, extra_groups=[], cwd="/", env={}, text=True,
        stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        out, _ = process.communicate(timeout=30)
    said: dict[str, Any] = json.loads(out)
    return process.pid, said
