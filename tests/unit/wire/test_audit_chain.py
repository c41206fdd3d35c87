"""The chain and its checkpoints alone: any tampering shows, at the row where it begins."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event, pseudonym
from keyin.domain.records import Digest, RecordId
from keyin.stores.host import SystemEntropy
from keyin.wire.audit_chain import BadRow, Fault, Head, Row, Walk, beginning, canonical, rows
from keyin.wire.audit_checkpoints import TYPE, read, sign
from keyin.wire.jose import InvalidSignature
from keyin.wire.signing_key import new_key

if TYPE_CHECKING:
    from collections.abc import Iterable

CHAIN = "main"
EVENTS = st.lists(
    st.builds(
        Event,
        act=st.sampled_from(Act),
        actor=st.text(max_size=8),
        at=st.integers(0, 2**45).map(Millis),
        client=st.none() | st.text(max_size=5).map(RecordId),
        reason=st.none() | st.text(max_size=5),
        detail=st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
    ),
    min_size=2,
    max_size=8,
)


def walked(chain: Iterable[Row]) -> BadRow | None:
    walk = Walk(CHAIN)
    all(walk.step(row) for row in chain)
    return walk.bad


def test_an_event_has_one_spelling() -> None:
    event = Event(
        act=Act.TOKEN_REFUSED,
        at=Millis(5),
        actor="büro",
        detail={"b": "2", "a": "1"},
        reason="scope",
    )
    line = canonical(event)
    assert line == (
        '{"act":"token.refused","actor":"büro","at":5,"detail":{"a":"1","b":"2"},'
        '"outcome":"refused","reason":"scope"}'.encode()
    )
    assert list(json.loads(line)) == sorted(json.loads(line))


def test_a_row_is_checked_with_sha_256_alone() -> None:
    (row,) = rows(beginning(CHAIN), [Event(act=Act.SIGNED_IN, at=Millis(1), actor="a")])
    before = hashlib.sha256(b"keyin audit chain\0main").digest()
    assert row.hash == hashlib.sha256(before + row.event.encode()).digest()
    assert row.seq == 1


@given(EVENTS)
def test_p93_a_chain_that_nobody_touched_is_whole(events: list[Event]) -> None:
    assert walked(rows(beginning(CHAIN), events)) is None


@given(EVENTS, st.data())
def test_p93_any_tampering_is_named_at_the_row_where_it_begins(
    events: list[Event], data: st.DataObject
) -> None:
    chain = list(rows(beginning(CHAIN), events))
    place = data.draw(st.integers(0, len(chain) - 1))
    row, seq = chain[place], place + 1
    kind = data.draw(st.sampled_from(["event", "at", "hash", "delete", "insert", "swap"]))
    expected: BadRow | None = BadRow(CHAIN, seq, Fault.CHANGED)
    match kind:
        case "event":
            other = data.draw(st.text(max_size=40).filter(lambda text: text != row.event))
            chain[place] = row._replace(event=other)
        case "at":
            chain[place] = row._replace(at=Millis(row.at + 1))
        case "hash":
            bit = data.draw(st.integers(0, 255))
            flipped = int.from_bytes(row.hash) ^ 1 << bit
            chain[place] = row._replace(hash=flipped.to_bytes(32))
        case "delete":
            del chain[place]
            expected = BadRow(CHAIN, seq, Fault.MISSING) if place < len(chain) else None
        case "insert":
            later = [after._replace(seq=after.seq + 1) for after in chain[place:]]
            chain[place:] = [row._replace(hash=b"\0" * 32), *later]
        case "swap":
            other_place = data.draw(st.integers(0, len(chain) - 1))
            one, two = sorted((place, other_place))
            same = chain[one].event == chain[two].event and one == two
            first, second = chain[one], chain[two]
            chain[one], chain[two] = second._replace(seq=one + 1), first._replace(seq=two + 1)
            expected = None if same else BadRow(CHAIN, one + 1, Fault.CHANGED)
    assert walked(chain) == expected


def test_p93_rows_of_another_chain_do_not_pass_as_this_ones() -> None:
    event = Event(act=Act.SIGNED_IN, at=Millis(1), actor="a")
    assert walked(rows(beginning("other"), [event])) == BadRow(CHAIN, 1, Fault.CHANGED)


def test_p93_a_checkpoint_holds_only_with_the_clouds_own_key() -> None:
    key, others = new_key(SystemEntropy()), new_key(SystemEntropy())
    head = Head(CHAIN, 7, b"\x07" * 32)
    made = sign(key, head, Millis(99))
    own = {key.public.thumbprint: key.public}
    assert read(made.signature, own) == made
    first, claims, signature = made.signature.split(".")
    forged = sign(others, head, Millis(99)).signature
    for text in (forged, f"{first}.{claims[:-2]}AA.{signature}", "", "a.b.c", f"{first}.{claims}."):
        with pytest.raises(InvalidSignature):
            read(text, own)
    with pytest.raises(InvalidSignature):
        read(made.signature, {})
    claims_of_one: dict[str, Any] = {"chain": CHAIN, "seq": 7, "at": 99, "hash": "07" * 32}
    for typ, changes in (
        ("JWT", {}),
        (TYPE, {"seq": "7"}),
        (TYPE, {"at": True}),
        (TYPE, {"hash": "x"}),
        (TYPE, {"chain": None}),
    ):
        header = {"typ": typ, "kid": key.public.thumbprint}
        with pytest.raises(InvalidSignature):
            read(key.sign(header, {**claims_of_one, **changes}), own)
    header = {"typ": TYPE, "kid": key.public.thumbprint}
    assert read(key.sign(header, claims_of_one), own).head == head


def test_a_pseudonym_is_one_keys_and_not_its_digest() -> None:
    digest = Digest("p:" + "ab" * 32)
    assert pseudonym(digest) == pseudonym(Digest("p:" + "ab" * 32))
    assert pseudonym(digest) != pseudonym(Digest("p:" + "ac" * 32))
    assert "abab" not in pseudonym(digest)
