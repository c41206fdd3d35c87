"""`keyin application create`: an administrator's words go in, an id and a secret come out, once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keyin.domain.applications import ACCOUNT_READ, AUTHORIZATION_CODE, AuthMethod
from keyin.domain.errors import Refused
from keyin.oauth.application_registration import ApplicationWish, check_wish
from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key
from tests.cloud_process import serving
from tests.oauth_application import BACK, NATIVE_BACK, application
from tests.oauth_client import ISSUER
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

CREATE = ("application", "create", "Pages of mine")
WEB = ("--auth-method", "client_secret_basic", "--grant", "code", "--redirect-uri", BACK)
JOB = ("--auth-method", "client_secret_post", "--grant", "client-credentials")
NATIVE = ("--auth-method", "client_secret_basic", "--grant", "code", "--native")


def test_p31_a_secret_of_256_bits_is_shown_once_and_kept_as_a_digest(tmp_path: Path) -> None:
    data = tmp_path / "data"
    made = json.loads(run(*CREATE, *WEB, "--data", data, "--json").stdout)
    assert sorted(made) == ["client_id", "client_secret"]
    assert made["client_id"].startswith("app_")
    assert len(made["client_secret"]) == 43  # 32 bytes as base64url
    plain = run(*CREATE, *WEB, "--data", data).stdout.split()
    assert [len(line) for line in plain] == [26, 43]
    stored = b"".join(file.read_bytes() for file in data.glob("keyin.sqlite3*"))
    assert made["client_id"].encode() in stored
    assert made["client_secret"].encode() not in stored
    for verb in ("list", "show"):
        named = (made["client_id"],) if verb == "show" else ()
        said = run("client", verb, *named, "--data", data, "--json")
        assert said.returncode == 0, said.stderr
        assert made["client_secret"] not in said.stdout + said.stderr


def test_who_proves_itself_by_a_key_has_no_secret(tmp_path: Path) -> None:
    assert application(tmp_path / "data", "private_key_jwt").secret is None


def test_nobody_is_registered_who_proves_nothing(tmp_path: Path) -> None:
    """The command does not offer it; who goes past the command is refused."""
    data = tmp_path / "data"
    none = ("--auth-method", "none", "--native", "--grant", "code", "--redirect-uri", NATIVE_BACK)
    assert run(*CREATE, *none, "--data", data).returncode == 2
    wish = ApplicationWish(
        name="Open",
        auth_method=AuthMethod.NONE,
        grant_types=(AUTHORIZATION_CODE,),
        scopes=(ACCOUNT_READ,),
        redirect_uris=(NATIVE_BACK,),
        native=True,
    )
    with pytest.raises(Refused, match="proves itself"):
        check_wish(wish)


def test_who_was_registered_before_and_proves_nothing_is_listed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    old = application(data, "none", "--native", back=NATIVE_BACK)
    with serving(data, "--issuer", ISSUER):
        found = json.loads(run("cloud", "check", "--data", data, "--json").stdout)
    (public,) = [one for one in found["found"] if one["matter"] == "public-applications"]
    assert public["named"] == [old.client_id]


def test_a_key_belongs_to_one_client(tmp_path: Path) -> None:
    data, key = tmp_path / "data", tmp_path / "key.json"
    key.write_bytes(new_key(SystemEntropy()).public.jwk)
    signed = ("--auth-method", "private_key_jwt", "--public-key", key)
    create = (*CREATE, *signed, "--grant", "client-credentials", "--data", data)
    assert run(*create).returncode == 0
    for again in (create, ("client", "create", "--public-key", key, "--data", data)):
        done = run(*again)
        assert done.returncode == 5
        assert "registered already" in done.stderr


def test_it_works_while_the_cloud_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data, "--issuer", ISSUER) as cloud:
        job = application(data, "client_secret_basic", "--grant", "client-credentials")
        reply = job.post(cloud, "/oauth2/token", {"grant_type": "client_credentials"})
        assert reply.status == 200, reply.body


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*WEB[:4],), "it needs one"),
        ((*JOB, "--redirect-uri", BACK), "it needs one"),
        ((*WEB[:4], "--redirect-uri", "http://application.example/"), "must be https"),
        ((*WEB[:4], "--redirect-uri", "http://127.0.0.1/back"), "must be https"),
        ((*NATIVE, "--redirect-uri", "http://localhost/back"), "must be https"),
        ((*WEB, "--scope", "installations:read"), "belongs to the grant client_credentials"),
        ((*JOB, "--scope", "account:read"), "belongs to a grant that asks a person"),
        (("--auth-method", "private_key_jwt", *JOB[2:]), "belongs to private_key_jwt"),
        ((*JOB, "--network", "10.0.0.0/99"), "is no network"),
    ],
)
def test_what_does_not_go_together_is_refused(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = run(*CREATE, *words, "--data", tmp_path / "data")
    assert done.returncode == 5, done.stdout
    assert said in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    "words", [(), WEB[:2], ("--auth-method", "plain"), ("--grant", "password")]
)
def test_what_is_no_word_of_ours_is_wrong_usage(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(*CREATE, *words, "--data", tmp_path / "data").returncode == 2
