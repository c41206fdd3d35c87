"""A token shows the moment in which it was made, and nothing of its 256 random bits."""

from __future__ import annotations

import re
import secrets

from hypothesis import example, given
from hypothesis import strategies as st

from keyin.domain.environment import Millis
from keyin.domain.token_form import NO_MARK, RANDOM_BYTES, new_token, time_mark
from keyin.stores.host import SystemEntropy
from keyin.stores.secrets_directory import SecretsDirectory

NOW = Millis(1_795_000_000_123)


@given(st.integers(0, 2**40), st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES))
def test_the_mark_is_the_moment(now: int, random: bytes) -> None:
    token = new_token(random, Millis(now))
    assert re.fullmatch(r"[0-9A-Za-z_-]{48}", token)
    assert time_mark(token) == f"{now & 0xFFFFFFFF:08x}"


@given(st.text(max_size=60))
@example("a" * 48)
@example("ä" * 48)
@example("=" * 48)
@example("!" * 48)
@example("")
def test_any_text_has_a_mark(text: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{8}", time_mark(text))


def test_a_token_of_the_original_shows_nothing() -> None:
    assert time_mark(secrets.token_hex(16)) == NO_MARK
    assert time_mark(secrets.token_urlsafe(32)) == NO_MARK


def test_digests_of_one_moment_lie_together() -> None:
    peppers = SecretsDirectory.in_memory(entropy=SystemEntropy())
    tokens = [new_token(secrets.token_bytes(RANDOM_BYTES), NOW) for _ in range(20)]
    digests = [peppers.digests("token", token)[0] for token in tokens]
    assert len(set(digests)) == 20
    assert len({digest[:17] for digest in digests}) == 1
    assert len({digest[17:20] for digest in digests}) > 5
    assert len(peppers.digests("key", tokens[0])[0]) == 9 + 64
