"""A cloud with pages, a person with an account, and a registered application: for tests."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from keyin.domain.applications import (
    ACCOUNT_READ,
    AUTHORIZATION_CODE,
    DEVICE_CODE,
    Application,
    AuthMethod,
)
from keyin.domain.events import Act, Event
from keyin.domain.records import ClientKind, RecordId
from keyin.oauth.ports import Enrolment
from keyin.stores.opening import open_data
from keyin.wire.jose import wrapped
from tests.cloud_process import serving
from tests.fakes.records import NOW, client, credential

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.cloud_process import Cloud

NAME = "ada"
PASSWORD = "violet tram and gravel"
VERIFIER = "v" * 43
CHALLENGE = wrapped(sha256(VERIFIER.encode()).digest())


@dataclass(frozen=True, kw_only=True)
class TestApplication:
    """What is registered; tests say only what matters."""

    __test__ = False

    redirect_uri: str
    name: str = "Reading room planner"
    site: str = "Main library"
    client_id: str = "planner"
    native: bool = False
    par_required: bool = False
    grant_types: tuple[str, ...] = (AUTHORIZATION_CODE, DEVICE_CODE)

    def records(self) -> Enrolment:
        record, proof = RecordId(f"c-{self.client_id}"), RecordId(f"cc-{self.client_id}")
        lineage = client().lineage
        return Enrolment(
            clients=[
                client(
                    record,
                    kind=ClientKind.APPLICATION,
                    name=self.name,
                    lineage=type(lineage)(origin=lineage.origin, site=self.site),
                )
            ],
            credentials=[
                credential(
                    proof, client_id=record, oauth2_client_id=self.client_id, lineage=lineage
                )
            ],
            applications=[
                Application(
                    credential_id=proof,
                    auth_method=AuthMethod.NONE,
                    native=self.native,
                    redirect_uris=(self.redirect_uri,),
                    grant_types=self.grant_types,
                    scopes=(ACCOUNT_READ,),
                    par_required=self.par_required,
                    typ_required=False,
                )
            ],
        )

    def request(self, **changes: str | None) -> dict[str, str]:
        asked: dict[str, str | None] = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": ACCOUNT_READ,
            "state": "st-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}


@dataclass(frozen=True)
class Place:
    cloud: Cloud
    issuer: str
    applications: Mapping[str, TestApplication] = field(default_factory=dict)

    def wish(self, client_id: str = "planner", **changes: str | None) -> str:
        """Return the address that an application sends a person to."""
        return f"/oauth2/authorize?{urlencode(self.applications[client_id].request(**changes))}"

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look into, or change, the store of the running cloud."""
        connection = sqlite3.connect(self.cloud.data / "keyin.sqlite3", timeout=10)
        try:
            with connection:
                return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def age_sessions(self, minutes: int) -> None:
        """Let every sign-in be so many minutes longer ago."""
        self.query("UPDATE sessions SET signed_in = signed_in - ?", minutes * 60_000)


def make_account(data: Path, name: str = NAME, password: str = PASSWORD) -> None:
    command = [sys.executable, "-m", "keyin", "account", "create", name, "--data", str(data)]
    subprocess.run(command, input=password + "\n", text=True, check=True, capture_output=True)


def register(data: Path, *applications: TestApplication) -> None:
    async def enrol() -> None:
        opened = open_data(data, None, exclusive=True)
        try:
            for one in applications:
                event = Event(act=Act.CLIENT_REGISTERED, at=NOW, actor="administrator")
                await opened.store.enrol(one.records(), event=event)
        finally:
            opened.close()

    with ThreadPoolExecutor(1) as elsewhere:  # a browser's driver may have a loop in this thread
        elsewhere.submit(asyncio.run, enrol()).result()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def page_place(
    folder: Path,
    *applications: TestApplication,
    more: tuple[object, ...] = (),
    mail_section: str = "",
    sections: str = "",
    **config: object,
) -> Iterator[Place]:
    """Serve a store with one account and these applications, under an issuer that is true."""
    data = folder / "data"
    if not data.exists():
        make_account(data)
    if applications:
        register(data, *applications)
    file = folder / "cloud.toml"
    text = "".join(f"{name} = {str(value).lower()}\n" for name, value in config.items())
    mail = f"[mail]{mail_section}\n" if mail_section else ""
    file.write_text(f"{text}{sections}{mail}")
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    arguments = ("--issuer", issuer, "--config", file, *more)
    with serving(data, *arguments, listen=f"127.0.0.1:{port}") as cloud:
        yield Place(cloud, issuer, {one.client_id: one for one in applications})
