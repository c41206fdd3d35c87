"""The vocabulary of the access requester, enumerated (P60, P67), and its parser under fuzz."""

from __future__ import annotations

import tomllib
import typing
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import keyin
from keyin.access_requester import config
from keyin.domain.errors import InvalidDocument, Refused
from keyin.remote.byte_ends import memory_pair
from keyin.remote.conversation import Conversation
from keyin.wire.requester import (
    ERROR_TEXTS,
    ErrorCode,
    ForgetAnswer,
    Request,
    StatusAnswer,
    TokenAnswer,
    read_request,
    refusal,
)
from keyin.wire.requester_admin import (
    ANSWERS,
    AdminRequest,
    BegunAnswer,
    DoneAnswer,
    StandingAnswer,
    read_admin_request,
)
from keyin.wire.requester_trouble import TROUBLE_TEXTS, Trouble, trouble

OPS = {"token": TokenAnswer, "forget": ForgetAnswer, "status": StatusAnswer}
QUIET = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
PLAIN = {"v": 1, "id": "1"}
MESSAGE = {
    "v": 1,
    "id": "1",
    "op": "token",
    "gpii_key": "k",
    "dpop_jkt": "j" * 43,
    "dpop_proof": "p",
}
OWN = ("gpii_key", "pin", "dpop_jkt", "dpop_proof", "request_id", "more")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)


def requests() -> dict[str, set[str]]:
    return {
        str(kind.__struct_config__.tag): set(kind.__struct_fields__)
        for kind in typing.get_args(Request)
    }


def test_p60_every_op_and_every_result_field_is_known_and_none_is_a_secret() -> None:
    assert set(requests()) == set(OPS)
    fields = {op: set(answer.__struct_fields__) for op, answer in OPS.items()}
    assert fields == {
        "token": {"access_token", "token_type", "expires_in"},
        "forget": {"forgotten"},
        "status": {"enrolled", "client_id", "cloud", "version", "tokens", "problem"},
    }
    for name in set().union(*fields.values()) - {"access_token", "tokens", "token_type"}:
        assert not [word for word in ("secret", "key", "token", "password", "jwk") if word in name]


def test_p67_no_op_takes_a_path_a_command_a_url_or_a_host() -> None:
    common = {"v", "id", "request_id"}
    assert requests() == {
        "token": common | {"gpii_key", "pin", "dpop_jkt", "dpop_proof"},
        "forget": common | {"gpii_key"},
        "status": common,
    }
    for extra in ("path", "command", "url", "host", "cloud", "scope", "client_id"):
        for op in OPS:
            message = MESSAGE if op == "token" else {**PLAIN, "op": op}
            read_request(message)
            with pytest.raises(Refused) as refused:
                read_request({**message, extra: "x"})
            assert refused.value.code == "bad_request"
    with pytest.raises(Refused):
        read_request({"v": 1, "id": "1", "op": "execute"})


def test_p60_the_administrators_ops_are_known_and_no_result_is_a_secret() -> None:
    ops = {str(kind.__struct_config__.tag) for kind in typing.get_args(AdminRequest)}
    assert ops == set(ANSWERS)
    fields = {kind: set(kind.__struct_fields__) for kind in ANSWERS.values()}
    assert fields == {
        BegunAnswer: {"url", "fingerprint", "expires_in", "user_code"},
        StandingAnswer: {
            *("stage", "enrolled", "cloud", "client_id", "installation_id", "fingerprint"),
            *("name", "site", "problem", "fields"),
        },
        DoneAnswer: {"fingerprint", "told_cloud"},
    }


def test_p67_no_administrators_op_takes_a_path_a_command_a_url_or_a_host() -> None:
    common = {"v", "id", "request_id"}
    own = {
        str(kind.__struct_config__.tag): set(kind.__struct_fields__) - common
        for kind in typing.get_args(AdminRequest)
    }
    assert {op: names for op, names in own.items() if names} == {
        "enrol_code": {"code"},
        "enrol_file": {"file"},
        "leave": {"offline"},
        "seal": {"without_file", "file"},
    }
    for op in own:
        for extra in ("path", "command", "url", "host", "cloud", "scope", "client_id"):
            message = (
                {**PLAIN, "op": op, "code": "c"} if op == "enrol_code" else {**PLAIN, "op": op}
            )
            message = {**message, "file": "f"} if op in {"enrol_file", "seal"} else message
            read_admin_request(message)
            with pytest.raises(Refused) as refused:
                read_admin_request({**message, extra: "x"})
            assert refused.value.code == "bad_request"


def test_a_code_and_a_file_do_not_show() -> None:
    for op, name in (("enrol_code", "code"), ("enrol_file", "file"), ("seal", "file")):
        message = {**PLAIN, "op": op, name: "canary"}
        assert "canary" not in repr(read_admin_request(message))
        with pytest.raises(Refused) as refused:
            read_admin_request({**message, "v": "canary"})
        assert "canary" not in str(refused.value)


def test_every_trouble_has_a_text_and_a_next_step() -> None:
    assert set(TROUBLE_TEXTS) == set(Trouble)
    for code in Trouble:
        error = trouble(code, reason="r")
        assert "%(" not in str(error)
        assert error.next_step


def test_every_error_has_a_text_and_a_next_step() -> None:
    assert set(ERROR_TEXTS) == set(ErrorCode)
    assert all(text.message and text.next_step for text in ERROR_TEXTS.values())
    fields = {"reason": "r", "retry_after": 1, "seconds": 2, "nonce": "n", "token_endpoint": "t"}
    for code in ErrorCode:
        error = refusal(code, **fields)
        assert "%(" not in str(error)
        assert error.next_step % error.fields


def test_a_request_does_not_show_its_key() -> None:
    message = {**MESSAGE, "gpii_key": "canary", "dpop_proof": "canary"}
    assert "canary" not in repr(read_request(message))
    with pytest.raises(Refused) as refused:
        read_request({**message, "v": "canary"})
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None


@QUIET
@given(JSON)
def test_p80_any_message_is_a_request_or_a_bad_request(message: object) -> None:
    try:
        read_request(message)
    except Refused as exc:
        assert exc.code == "bad_request"  # noqa: PT017 - most examples raise, some need not


@QUIET
@given(st.fixed_dictionaries({"v": st.just(1), "id": st.text(), "op": st.sampled_from([*OPS])},
       optional=dict.fromkeys(OWN, JSON)))  # fmt: skip
def test_p80_nearly_right_messages_too(message: dict[str, object]) -> None:
    try:
        request = read_request(message)
    except Refused as exc:
        assert exc.code == "bad_request"  # noqa: PT017 - as above
    else:
        assert "more" not in message
        assert request.id == message["id"]


@QUIET
@given(st.lists(st.binary(max_size=200), max_size=5))
async def test_p80_any_bytes_end_in_messages_or_an_invalid_document(chunks: list[bytes]) -> None:
    here, there = memory_pair()
    for chunk in filter(None, chunks):
        await there.write(chunk)
    await there.close()
    conversation = Conversation(here)
    try:
        while (message := await conversation.receive()) is not None:
            assert isinstance(message, dict)
    except InvalidDocument:
        pass


SECTIONS = {
    "": config.Config,
    "limits": config.LimitsSection,
    "enrolment": config.EnrolmentSection,
    "flow_manager": config.FlowManagerSection,
    "unsafe_loopback_http": config.UnsafeLoopbackHttpSection,
}


def test_every_key_is_documented_in_the_example_and_in_the_source() -> None:
    example = (Path(keyin.__file__).parent / "data/config/requester.toml").read_text("utf-8")
    every_key = "\n".join(
        line.removeprefix("# ") if line.startswith(("# [", "# ")) and is_toml(line) else line
        for line in example.splitlines()
    )
    document = tomllib.loads(every_key)
    source = Path(config.__file__).read_text("utf-8")
    for name, section in SECTIONS.items():
        found = document if not name else document[name]
        assert set(found) == set(section.__struct_fields__), name
        for key in section.__struct_fields__:
            declaration = source.index(f"\n    {key}: ")
            assert source[declaration:].splitlines()[2].strip().startswith('"""'), key
    assert msgspec.convert(document, config.Config).allow == ["active-session"]
    assert msgspec.convert(tomllib.loads(example), config.Config).transport == "unix"


def is_toml(line: str) -> bool:
    try:
        return bool(tomllib.loads(line.removeprefix("# ")))
    except tomllib.TOMLDecodeError:
        return False
