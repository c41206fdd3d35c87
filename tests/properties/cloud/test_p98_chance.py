"""P98: what the cloud gives out as unguessable comes from the system's chance, all of its bits."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING

from keyin.domain.token_form import RANDOM_BYTES
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import import_documents, serving
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOKENS = 300


def unwrapped(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def looks_random(values: Sequence[bytes], length: int) -> None:
    """Every bit is as often 1 as 0, in all and in each place; no four bytes come twice."""
    assert {len(value) for value in values} == {length}
    ones = sum(int.from_bytes(value).bit_count() for value in values)
    bits = len(values) * length * 8
    assert abs(ones / bits - 0.5) < 3 / bits**0.5  # six standard deviations
    for place in range(length * 8):
        here = sum(int.from_bytes(value) >> place & 1 for value in values)
        assert abs(here / len(values) - 0.5) < 3.5 / len(values) ** 0.5
    parts = [value[at : at + 8] for value in values for at in range(0, length - 7, 8)]
    assert len(set(parts)) == len(parts)


def test_p98_tokens_are_random_in_every_bit_and_over_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    tokens: list[bytes] = []
    for _ in range(2):
        with serving(data) as cloud:
            for _ in range(TOKENS // 2):
                given = cloud.token("alice", (FREE, SECRET)).json["access_token"]
                tokens.append(unwrapped(given)[-RANDOM_BYTES:])
    looks_random(tokens, RANDOM_BYTES)
    assert RANDOM_BYTES * 8 >= 256


def test_p98_secrets_keys_and_ids_are_random_and_long_enough(tmp_path: Path) -> None:
    data = tmp_path / "data"
    made: dict[str, list[str]] = {"client_id": [], "client_secret": [], "key": []}
    for _ in range(2):
        for verb in (("client", "create", "--legacy-until", "2099-01-01"), ("key", "create")):
            done = run(*verb, "--data", data, "--json")
            assert done.returncode == 0, done.stderr
            for name, value in json.loads(done.stdout).items():
                if name in made:
                    made[name].append(value)
    for name, least in (("client_id", 128), ("client_secret", 256), ("key", 128)):
        values = [unwrapped(value.removeprefix("gai_")) for value in made[name]]
        assert all(len(value) * 8 >= least for value in values), name
        starts = {value[:4] for value in values}
        assert len(starts) == len(values) == 2, name
