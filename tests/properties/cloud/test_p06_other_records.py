"""P6: whatever else the store holds, its name is no GPII key."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from tests.cloud_documents import LISTED, SECRET, everything
from tests.cloud_process import import_documents, serving
from tests.oauth_client import ISSUER, registered

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 400


def words(data: Path) -> list[str]:
    """Return one text of each column of each table, and every identifier: whatever has a name."""
    connection = sqlite3.connect(data / "keyin.sqlite3")
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    ]
    found: set[str] = set(tables)
    for table in tables:
        rows = connection.execute(f"SELECT * FROM {table} LIMIT 3").fetchall()  # noqa: S608 - its own names
        found.update(value for row in rows for value in row if isinstance(value, str))
    connection.close()
    return sorted(word for word in found if 0 < len(word) <= LONGEST)


def test_p06_no_name_of_any_record_is_exchanged(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    desk = registered(data, "--site", "Main hall")
    with serving(data, "--issuer", ISSUER) as cloud:
        own = desk.token(cloud)
        legacy = cloud.token("alice", (LISTED, SECRET)).json["access_token"]
        before = _tokens(data)
        tried = [*words(data), own, legacy, SECRET, desk.client_id, desk.key.public.thumbprint]
        assert {"client-1", "credential-free", "free"} < set(tried)
        answers = set()
        for word in tried:
            reply = desk.exchange(cloud, word)
            answers.add((reply.status, reply.body))
            assert reply.status in {400, 429}, word
            assert cloud.token(word, (LISTED, SECRET)).status in {401, 429}, word
        assert len({body for status, body in answers if status == 400}) == 1
        assert _tokens(data) == before


def _tokens(data: Path) -> int:
    connection = sqlite3.connect(data / "keyin.sqlite3")
    (count,) = connection.execute("SELECT count(*) FROM tokens").fetchone()
    connection.close()
    assert isinstance(count, int)
    return count
