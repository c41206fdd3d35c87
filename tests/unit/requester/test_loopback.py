"""The listener's judgement (P71-P73) under hypothesis, and the decision about the next step."""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keyin.access_requester.loopback import (
    CALLBACK,
    MOST_WRONG,
    Code,
    Declined,
    Listening,
    read_head,
)
from keyin.domain.secret import Secret

HOST, STATE, ISSUER = "127.0.0.1:51004", "s" * 43, "https://cloud.example"
RIGHT = {"code": "c0de", "state": STATE, "iss": ISSUER}
QUIET = settings(deadline=None)


def listening(wrong: int = 0) -> Listening:
    return Listening(host=HOST, state=Secret(STATE), issuer=ISSUER, wrong=wrong)


def head(
    query: object = RIGHT,
    *,
    method: str = "GET",
    path: str = CALLBACK,
    hosts: tuple[str, ...] = (HOST,),
    more: str = "",
) -> bytes:
    text = query if isinstance(query, str) else urlencode(query)  # type: ignore[arg-type]  # a mapping or pairs
    fields = "".join(f"Host: {host}\r\n" for host in hosts)
    return f"{method} {path}?{text} HTTP/1.1\r\n{fields}{more}\r\n".encode("latin-1", "replace")


def heard(content: bytes) -> tuple[Listening, Code | Declined | None]:
    return listening().heard(content)


def test_the_one_right_answer_gives_the_code() -> None:
    after, found = heard(head())
    assert isinstance(found, Code)
    assert (found.reveal(), after) == ("c0de", listening())
    assert "c0de" not in repr(found)
    _, found = heard(head({**RIGHT, "session_state": "not known here"}))
    assert isinstance(found, Code)


def test_a_no_is_told_from_an_error() -> None:
    said = {"state": STATE, "iss": ISSUER}
    assert heard(head({**said, "error": "access_denied"}))[1] == Declined(denied=True)
    assert heard(head({**said, "error": "server_error"}))[1] == Declined(denied=False)


def test_p09_an_answer_without_issuer_or_of_another_is_as_if_it_had_not_come() -> None:
    for changed in ({"iss": "https://evil.example"}, {"iss": ""}, {"iss": ISSUER + "/"}):
        assert heard(head({**RIGHT, **changed})) == (listening(), None)
    assert heard(head({"code": "c", "state": STATE})) == (listening(), None)


def test_p71_method_path_and_host_are_exact() -> None:
    for wrong in (
        head(method="POST"),
        head(method="HEAD"),
        head(method="OPTIONS"),
        head(path=CALLBACK + "/"),
        head(path="/"),
        head(path="/oauth2//callback"),
        head(path="http://127.0.0.1:51004/oauth2/callback"),
        head(hosts=()),
        head(hosts=("localhost:51004",)),
        head(hosts=("evil.example:51004",)),
        head(hosts=("127.0.0.1",)),
        head(hosts=("127.0.0.1:51005",)),
        head(hosts=(HOST, HOST)),
        head(hosts=(HOST, "evil.example")),
    ):
        assert heard(wrong) == (listening(), None), wrong


def test_p99_a_parameter_that_stands_there_twice_is_no_answer() -> None:
    pairs = [*RIGHT.items()]
    for name, value in pairs:
        for other in (value, "other"):
            assert heard(head([*pairs, (name, other)])) == (listening(), None)
    assert heard(head({**RIGHT, "error": "access_denied"})) == (listening(), None)
    assert heard(head({**RIGHT, "code": ""})) == (listening(), None)


def test_p72_wrong_states_are_counted_and_use_nothing_up() -> None:
    now = listening()
    for count in range(MOST_WRONG):
        now, found = now.heard(head({**RIGHT, "state": f"guess{count}"}))
        assert (found, now.wrong, now.abandoned) == (None, count + 1, False)
    assert isinstance(now.heard(head())[1], Code)
    now, _ = now.heard(head({"code": "c", "iss": ISSUER}))
    assert now.abandoned


@QUIET
@given(st.binary(max_size=400))
def test_p80_any_bytes_are_a_head_or_nothing(content: bytes) -> None:
    read_head(content)
    assert heard(content) == (listening(), None)


@QUIET
@given(
    st.lists(
        st.tuples(st.sampled_from(["code", "state", "iss", "error", "x"]), st.text(max_size=50)),
        max_size=6,
    )
)
def test_p72_whatever_comes_without_the_state_finds_nothing(pairs: list[tuple[str, str]]) -> None:
    assume(("state", STATE) not in pairs)
    content = head(urlencode(pairs, errors="replace"))
    after, found = heard(content)
    assert found is None
    assert after.wrong <= 1


@QUIET
@given(st.sampled_from([*RIGHT]), st.text(max_size=60), st.integers(0, 60))
def test_p71_one_character_more_or_less_is_another_answer(name: str, more: str, place: int) -> None:
    value = RIGHT[name]
    place = min(place, len(value))
    changed = value[:place] + more + value[place + 1 :]
    assume(changed != value and name != "code")
    assert heard(head(urlencode({**RIGHT, name: changed}, errors="replace")))[1] is None
