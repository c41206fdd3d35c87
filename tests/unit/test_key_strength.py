"""P44: what counts as a key that cannot be guessed."""

from __future__ import annotations

import secrets
import uuid

import pytest

from keyin.domain.key_strength import low_entropy
from keyin.domain.secret import GpiiKey


@pytest.mark.parametrize(
    "text",
    [
        "",
        "carla",
        "os_gnome",
        "chrome_high_contrast",
        "a-very-long-name-that-somebody-thought-would-be-safe",
        "1234567890123456789012345678901234567890",
        "a" * 64,
        "0123456789abcdef0123456789abcde",
        "d6fd1e0c-2b3a-4f6e-9a57-0c8f3b6d1e2f",
        "d6fd1e0c2b3a4f6e9a570c8f3b6d1e2f",
        "Straße1" * 5,
    ],
)
def test_p44_names_and_uuids_are_weak(text: str) -> None:
    assert low_entropy(GpiiKey(text))


def test_p44_every_uuid_is_weak() -> None:
    assert all(low_entropy(GpiiKey(str(uuid.uuid4()))) for _ in range(200))


def test_p44_generated_keys_are_strong() -> None:
    made = [secrets.token_hex(32) for _ in range(500)]
    made += [text for text in map(secrets.token_urlsafe, [32] * 500) if any_digit(text)]
    assert not any(low_entropy(GpiiKey(text)) for text in made)


def any_digit(text: str) -> bool:
    """One base64url text of 43 in 1,400 has none, and then counts as a name: to the safe side."""
    return any(character.isdigit() for character in text)
