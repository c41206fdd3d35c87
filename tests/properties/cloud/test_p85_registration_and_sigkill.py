"""P85 for registering: the cloud killed at any moment leaves the old state, or the new.

Nothing that was answered is lost, nothing is there by half, and whoever was cut off goes on: the
same key with the same token is told what it became, and of two keys at least one counts.
"""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import threading
from typing import TYPE_CHECKING

from keyin.stores.host import SystemEntropy
from keyin.stores.opening import STORE
from keyin.wire.signing_key import new_key
from tests.cloud_documents import everything
from tests.cloud_process import import_documents, serving
from tests.oauth_client import ISSUER
from tests.registration import Newcomer, code, file_token

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud_process import Cloud

KILLS = 5
_GONE = (OSError, http.client.HTTPException)


def _killed(cloud: Cloud, after_s: float) -> threading.Timer:
    timer = threading.Timer(after_s, cloud.process.process.kill)
    timer.start()
    return timer


def _agrees(data: Path) -> int:
    """See that a use, a client, a credential, a key and an event are there together; count them."""
    connection = sqlite3.connect(data / STORE)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    born = connection.execute(
        "SELECT r.client_id, o.id, c.id, k.kid FROM registrations AS r "
        "LEFT JOIN clients AS o ON o.id = r.client_id "
        "LEFT JOIN credentials AS c ON c.id = r.credential_id AND c.client_id = o.id "
        "LEFT JOIN client_keys AS k ON k.credential_id = c.id"
    ).fetchall()
    assert all(None not in row for row in born)
    told = {
        json.loads(row[0])["client"]
        for row in connection.execute("SELECT event FROM audit")
        if json.loads(row[0])["act"] == "client.registered" and "client" in json.loads(row[0])
    }
    uses = connection.execute("SELECT sum(uses) FROM initial_access").fetchone()[0]
    connection.close()
    clients = {row[0] for row in born}
    assert clients <= told
    assert uses == len(clients)
    return len(clients)


def test_p85_a_registration_cut_off_by_sigkill_is_whole_or_was_not(tmp_path: Path) -> None:
    data, chance = tmp_path / "data", random.Random(85)  # noqa: S311 - when to kill, not a secret
    import_documents(data, everything())
    _, token = file_token(data, "--uses", 1000)
    answered, cut_off = 0, Newcomer()
    for _ in range(KILLS):
        with serving(data, "--issuer", ISSUER) as cloud:
            timer = _killed(cloud, chance.uniform(0.02, 0.3))
            try:
                while True:
                    cut_off = Newcomer()
                    assert cut_off.register(cloud, token, scheme="Bearer").status == 201
                    answered += 1
            except _GONE:
                pass
            finally:
                timer.join()
        assert _agrees(data) >= answered
        with serving(data, "--issuer", ISSUER) as cloud:
            assert cut_off.register(cloud, token, scheme="Bearer").status == 201
            assert cut_off.prove(cloud).status == 200
        answered = _agrees(data)


def test_p85_a_change_of_key_cut_off_by_sigkill_leaves_one_that_counts(tmp_path: Path) -> None:
    data, chance = tmp_path / "data", random.Random(58)  # noqa: S311 - as above
    import_documents(data, everything())
    computer = Newcomer()
    with serving(data, "--issuer", ISSUER) as cloud:
        assert computer.register(cloud, code(data)).status == 201
        assert computer.prove(cloud).status == 200
    for _ in range(KILLS):
        old, new = computer.key, computer.key
        with serving(data, "--issuer", ISSUER) as cloud:
            timer = _killed(cloud, chance.uniform(0.02, 0.2))
            try:
                while True:
                    old, new = computer.key, new_key(SystemEntropy())
                    assert computer.replace(cloud, new=new).status == 200
                    computer.key = new
                    assert computer.replace(cloud).status == 200
            except _GONE:
                pass
            finally:
                timer.join()
        with serving(data, "--issuer", ISSUER) as cloud:
            counting = [key for key in (old, new) if computer.prove(cloud, key).status == 200]
            assert counting
            computer.key = counting[-1]
            assert computer.read(cloud).status == 200
            assert computer.replace(cloud).status == 200
