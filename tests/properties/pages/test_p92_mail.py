"""The owner of a computer is told by mail, where there is mail (P92, P76, P91)."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.mail_sink import PASSWORD, USER, mail_sink
from tests.new_computer import NewComputer
from tests.page_place import NAME, Place, page_place
from tests.person import Person
from tests.properties.pages.test_approval import approved
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from tests.mail_sink import Kept

ADDRESS = "ada@example.org"
MARKUP = "<script>alert(1)</script> http://evil.example www.evil.example"


@contextmanager
def mailing(folder: Path, sink: Kept, **more: object) -> Iterator[Place]:
    """Serve a cloud that hands its letters to this sink."""
    said = {
        "server": "127.0.0.1", "port": sink.port, "sender": "keyin@library.example",
        **({"trust": str(sink.authority)} if sink.authority else {"security": "none"}), **more,
    }  # fmt: skip
    values = {
        name: value if isinstance(value, int) else f'"{value}"'
        for name, value in said.items()
        if value is not None
    }
    table = "".join(f"\n{name} = {value}" for name, value in values.items())
    with page_place(folder, mail_section=table) as place:
        yield place


def with_address(place: Place, *more: str, address: str = ADDRESS) -> None:
    done = run("account", "set-email", NAME, address, *more, "--data", place.cloud.data)
    assert done.returncode == 0, done.stderr


def used_twice(place: Place, name: str = "Desk 3") -> None:
    """Let something happen that its owner must know."""
    person, computer = Person(place), NewComputer(place.cloud, place.issuer)
    assert person.sign_in().status == 303
    code = approved(person, computer, client_name=name)
    computer.redeem(code)
    assert computer.redeem(code).status == 400


def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.05)


def body(letter: EmailMessage) -> str:
    return str(letter.get_content())


def test_p92_a_code_that_was_used_twice_is_mailed_to_its_owner_over_tls(tmp_path: Path) -> None:
    password = tmp_path / "mail-password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    with (
        mail_sink(tmp_path, login=True) as sink,
        mailing(tmp_path, sink, user=USER, password_file=password) as place,
    ):
        with_address(place)
        used_twice(place)
        until(lambda: bool(sink.letters))
        (letter,) = sink.letters
        assert (letter["to"], letter["from"]) == (ADDRESS, "keyin@library.example")
        assert letter["auto-submitted"] == "auto-generated"
        said = body(letter)
        assert "Desk 3" in said
        assert "used twice" in said
        assert [line for line in said.splitlines() if "://" in line] == [
            f"{place.issuer}/manage/installations"
        ]
        assert sink.logins == 1
        until(
            lambda: place.query("SELECT mailed IS NOT NULL, next_mail FROM notices") == [(1, None)]
        )
        assert ADDRESS not in place.cloud.process.output
        assert PASSWORD not in place.cloud.process.output


def test_p22_no_variable_names_another_authority_for_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "session-keys"
    with mail_sink(tmp_path) as sink:  # which writes no keys itself
        monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
        monkeypatch.setenv("SSL_CERT_FILE", str(sink.authority))
        with mailing(tmp_path, sink, trust=None) as place:
            with_address(place)
            used_twice(place)
            until(lambda: "mail_not_taken" in place.cloud.process.output)
            assert "no_trust" in place.cloud.process.output
            assert sink.letters == []
            place.query("UPDATE notices SET next_mail = 0")
        monkeypatch.delenv("SSL_CERT_FILE")
        with mailing(tmp_path, sink):
            until(lambda: bool(sink.letters))
        assert not keys.exists()


def test_p92_who_has_chosen_german_reads_german(tmp_path: Path) -> None:
    with mail_sink(tmp_path) as sink, mailing(tmp_path, sink) as place:
        with_address(place, "--language", "de")
        used_twice(place)
        until(lambda: bool(sink.letters))
        assert "zweimal" in body(sink.letters[0])


def test_p76_a_name_in_a_letter_is_neither_markup_nor_a_link(tmp_path: Path) -> None:
    with mail_sink(tmp_path) as sink, mailing(tmp_path, sink) as place:
        with_address(place)
        used_twice(place, MARKUP)
        until(lambda: bool(sink.letters))
        (letter,) = sink.letters
        assert letter.get_content_type() == "text/plain"
        said = body(letter)
        assert "http://evil" not in said
        assert "www.evil" not in said
        assert MARKUP[:20] not in str(letter["subject"])


def test_p92_what_no_server_took_goes_after_a_restart(tmp_path: Path) -> None:
    with mail_sink(tmp_path) as sink:
        sink.refuse = "451 come again"
        with mailing(tmp_path, sink) as place:
            with_address(place)
            used_twice(place)
            until(lambda: "mail_not_taken" in place.cloud.process.output)
            assert sink.letters == []
            until(lambda: place.query("SELECT tries FROM notices") == [(1,)])
            place.query("UPDATE notices SET next_mail = 0")
        sink.refuse = None
        with mailing(tmp_path, sink):
            until(lambda: bool(sink.letters))


@pytest.mark.parametrize("refusal", ["550 no such person"])
def test_p92_an_address_that_nobody_has_is_not_tried_for_ever(tmp_path: Path, refusal: str) -> None:
    with mail_sink(tmp_path) as sink, mailing(tmp_path, sink) as place:
        sink.refuse = refusal
        with_address(place)
        used_twice(place)
        until(lambda: "mail_not_taken" in place.cloud.process.output)
        until(lambda: place.query("SELECT mailed, next_mail FROM notices") == [(None, None)])


def test_p22_a_mail_server_without_tls_or_trust_gets_nothing(tmp_path: Path) -> None:
    for name, secure in (("plain", False), ("unknown", True)):
        folder = tmp_path / name
        folder.mkdir()
        with mail_sink(folder, tls=secure) as sink:
            sink.authority = None
            with mailing(folder, sink, security="starttls") as place:
                with_address(place)
                used_twice(place)
                until(lambda place=place: "mail_not_taken" in place.cloud.process.output)  # type: ignore[misc]
                assert sink.letters == []


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ('server = "mail.example.org"\nsecurity = "none"', "unprotected"),
        ('server = "127.0.0.1"\nuser = "keyin"', "go together"),
        ('server = "127.0.0.1"\nuser = "keyin"\npassword_file = "{open}"', "others may read"),
        ('server = "127.0.0.1"\ntrust = "{open}"', "certificates"),
    ],
)
def test_p29_no_cloud_starts_with_mail_that_is_open(
    tmp_path: Path, section: str, said: str
) -> None:
    readable = tmp_path / "open"
    readable.write_text("a password")
    readable.chmod(0o644)
    file = tmp_path / "cloud.toml"
    table = section.replace("{open}", str(readable))
    file.write_text(f'[mail]\nsender = "keyin@library.example"\n{table}\n')
    done = run("cloud", "serve", "--data", tmp_path / "data", "--config", file)
    assert done.returncode == 3, done.stderr
    assert said in done.stderr


def test_an_address_is_kept_shown_and_taken_away(tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = run(
        *("account", "create", "ada", "--email", ADDRESS, "--language", "de", "--data", data),
        stdin="violet tram and gravel\n",
    )
    assert done.returncode == 0, done.stderr
    listed = run("account", "list", "--data", data, "--json")
    assert ADDRESS in listed.stdout
    for wrong in ("ada", "ada@", "a b@example.org", "ada@example.org\nBcc: x@y.z", "@example.org"):
        assert run("account", "set-email", "ada", wrong, "--data", data).returncode == 5
    assert run("account", "set-email", "ada", "--none", "--data", data).returncode == 0
    assert ADDRESS not in run("account", "list", "--data", data, "--json").stdout
