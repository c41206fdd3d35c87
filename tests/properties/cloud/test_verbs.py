"""The administrator's verbs as a person and a script use them: words, JSON, exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from keyin.cli.processes import command
from tests.cloud_documents import everything
from tests.cloud_process import import_documents
from tests.oauth_client import Computer, registered
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

ENGLISH, GERMAN = {"LANGUAGE": "en"}, {"LANGUAGE": "de", "LANG": "C.UTF-8"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verbs") / "data"
    import_documents(folder, everything())
    return folder


@pytest.fixture(scope="module")
def desk(data: Path) -> Computer:
    return registered(
        data, "--name", "Desk \x1b[2J1", "--site", "Main hall", "--software", "requester", "1.4.2"
    )


def said(data: Path, *words: object, stdin: str = "", **environment: str) -> str:
    done = run(*words, "--data", data, environment=ENGLISH | environment, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_list_is_a_table_and_moves_no_cursor(data: Path, desk: Computer) -> None:
    head, *rows = said(data, "client", "list").splitlines()
    assert head.split("  ")[0] == "Client id"
    (row,) = [row for row in rows if row.startswith(desk.client_id)]
    assert "active" in row
    assert "Main hall" in row
    assert "Desk ?[2J1" in row
    assert desk.client_id in said(data, "client", "list", "--site", "Main hall")
    assert desk.client_id not in said(data, "client", "list", "--status", "revoked")


def test_p77_show_moves_no_cursor_and_says_what_a_client_may(data: Path, desk: Computer) -> None:
    shown = said(data, "client", "show", desk.client_id)
    for line in (
        "Name: Desk ?[2J1", "Status: active", "Site: Main hall", "Software: requester 1.4.2",
        "May ask from: everywhere", f"Key {desk.key.public.thumbprint} (ES256): active",
    ):  # fmt: skip
        assert line in shown
    as_json = json.loads(said(data, "client", "show", desk.client_id, "--json"))
    assert as_json["client"]["client_ids"] == [desk.client_id]
    assert as_json["keys"][0]["kid"] == desk.key.public.thumbprint


def test_a_stop_says_how_many_it_concerns_and_is_listed(data: Path, desk: Computer) -> None:
    assert "It concerns 1 client." in said(data, "site", "suspend", "Main hall")
    assert "It was so already." in said(data, "site", "suspend", "Main hall")
    assert "stopped with its site" in said(data, "client", "show", desk.client_id)
    (row,) = [row for row in said(data, "site", "list").splitlines() if "Main hall" in row]
    assert row.split()[2:4] == ["suspended", "1"]
    assert "may ask again" in said(data, "site", "resume", "Main hall")
    said(data, "software", "stop", "requester", "1.4.2", "--reason", "compromised")
    listed = json.loads(said(data, "software", "list", "--json"))["software"]
    assert [(one["version"], one["status"], one["reason"]) for one in listed] == [
        ("1.4.2", "suspended", "compromised")
    ]
    resumed = said(data, "client", "suspend", desk.client_id)
    resumed = said(data, "client", "resume", desk.client_id)
    assert "its site or its software is stopped" in resumed
    said(data, "software", "resume", "requester", "1.4.2")


def test_a_site_may_be_there_before_its_clients(data: Path) -> None:
    assert "The site is there." in said(data, "site", "create", "Annexe")
    assert "It was so already." in said(data, "site", "create", "Annexe")
    said(data, "software", "stop", "requester", "2.0.0", "--unseen")
    assert "2.0.0" in said(data, "software", "list")


UNKNOWN = [
    (("client", "show", "none"), "there is no client none"),
    (("client", "suspend", "none"), "there is no client none"),
    (("client", "resume", "none"), "there is no client none"),
    (("client", "revoke", "none", "--yes"), "there is no client none"),
    (("client", "revoke-key", "none", "--yes"), "there is no client key none"),
    (("client", "revoke-key", "-Kdw_none", "--yes"), "there is no client key -Kdw_none"),
    (("site", "suspend", "none"), "there is no site none"),
    (("site", "resume", "none"), "there is no site none"),
    (("site", "revoke", "none", "--yes"), "there is no site none"),
    (("software", "stop", "requester", "9"), "no client runs version 9 of requester"),
    (("software", "resume", "requester", "9"), "no client runs version 9 of requester"),
]


@pytest.mark.parametrize(("words", "message"), UNKNOWN, ids=str)
def test_what_is_not_there_is_named_with_a_next_step(
    data: Path, words: tuple[str, ...], message: str
) -> None:
    done = run(*words, "--data", data, environment=ENGLISH)
    assert done.returncode == 5
    assert message in done.stderr
    assert "Next step: " in done.stderr
    as_json = run(*words, "--data", data, "--json", environment=ENGLISH)
    told = json.loads(as_json.stderr)
    assert told["message"] == message
    assert told["error"].startswith("unknown_")


@pytest.mark.parametrize("content", ["", "two words", "x" * 5000])
def test_what_is_no_token_is_refused_before_anybody_is_asked(data: Path, content: str) -> None:
    done = run("token", "revoke", "--data", data, stdin=content, environment=ENGLISH)
    assert done.returncode == 3
    assert "is no token" in done.stderr


FOR_EVER = [
    ("client", "revoke", "CLIENT"),
    ("client", "revoke-key", "KID"),
    ("site", "revoke", "Main hall"),
]


@pytest.mark.parametrize("words", FOR_EVER, ids=" ".join)
def test_what_cannot_be_undone_is_asked_for_first(
    data: Path, desk: Computer, words: tuple[str, ...]
) -> None:
    own = {"CLIENT": desk.client_id, "KID": desk.key.public.thumbprint}
    named = [own.get(word, word) for word in words]
    done = run(*named, "--data", data, environment=ENGLISH)
    assert done.returncode == 2
    assert "give --yes" in done.stderr
    assert _typed("n\n", *named, "--data", str(data)) == 1
    assert "Status: active" in said(data, "client", "show", desk.client_id)


def test_a_person_may_say_yes(data: Path) -> None:
    lost = registered(data)
    assert _typed("y\n", "client", "revoke", lost.client_id, "--data", str(data)) == 0
    assert "Status: revoked" in said(data, "client", "show", lost.client_id)
    done = run("client", "resume", lost.client_id, "--data", data, environment=ENGLISH)
    assert done.returncode == 5
    assert "it is revoked" in done.stderr


def test_it_speaks_german_too(data: Path, desk: Computer) -> None:
    done = run("client", "show", "gai_1", "--data", data, environment=GERMAN)
    assert "es gibt keinen Client gai_1" in done.stderr
    assert "Zustand: aktiv" in said(data, "client", "show", desk.client_id, **GERMAN)


def test_without_a_store_it_makes_none(tmp_path: Path) -> None:
    done = run("client", "list", "--data", tmp_path / "none", environment=ENGLISH)
    assert done.returncode == 3
    assert "there is no store" in done.stderr
    assert not (tmp_path / "none").exists()


def _typed(answer: str, *words: str) -> int:
    """Run a verb at a terminal at which somebody types the answer; return its exit code."""
    own, theirs = pty.openpty()
    with subprocess.Popen(
        command(*words), stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **ENGLISH}
    ) as process:
        os.close(theirs)
        os.write(own, answer.encode())
        with suppress(OSError):  # the terminal hangs up at the end
            while os.read(own, 1024):
                pass
        code = process.wait(30)
    os.close(own)
    return code
