"""Addresses for answers: what may be registered, what fits, and how an answer is put there."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keyin.domain.applications import AUTHORIZATION_CODE, Application, AuthMethod
from keyin.domain.records import RecordId
from keyin.oauth.redirects import answer_at, fits, host_of, may_be_registered

WEB = "https://application.example/back?kept=1"
NATIVE = "http://127.0.0.1/back"
NATIVE_6 = "http://[::1]/back?x=y"
PRIVATE = "com.example.app:/back"


def application(*uris: str, native: bool) -> Application:
    return Application(
        credential_id=RecordId("c"),
        auth_method=AuthMethod.NONE,
        native=native,
        redirect_uris=uris,
        grant_types=(AUTHORIZATION_CODE,),
        scopes=("account:read",),
        par_required=True,
        typ_required=True,
    )


@pytest.mark.parametrize(
    "uri",
    [WEB, "https://a.example", "https://a.example:8443/", "https://[2001:db8::1]/x"],
)
@pytest.mark.parametrize("native", [True, False])
def test_https_may_be_registered(uri: str, *, native: bool) -> None:
    assert may_be_registered(uri, native=native)


@pytest.mark.parametrize("uri", [NATIVE, NATIVE_6, "http://127.0.0.1:80/b", "http://[::1]:1"])
def test_loopback_literals_are_for_native_applications(uri: str) -> None:
    assert may_be_registered(uri, native=True)
    assert not may_be_registered(uri, native=False)


@pytest.mark.parametrize("uri", [PRIVATE, "com.example:/", "example.x-1.app2:/a/b?c=d"])
def test_private_use_schemes_are_for_native_applications(uri: str) -> None:
    assert may_be_registered(uri, native=True)
    assert not may_be_registered(uri, native=False)


@pytest.mark.parametrize(
    "uri",
    [
        "", "/back", "//a.example/", "http://a.example/", "http://localhost/", "https://",
        "https://*.a.example/", "https://a.example/#x", "https://user@a.example/",
        "https://a.example:/", "https://a.example:x/", "https://a.example:99999/",
        "http://127.0.0.1.a.example/", "http://127.0.0.1:80@a.example/", "http://127.0.0.2/",
        "http://[::1/", "http://[::2]/", "https://a.example/ b", "https://ä.example/",
        "https://a.example/\n", "javascript:alert(1)", "javascript:/alert(1)", "app:/back",
        "com.example.app:back", "com.example.app://back", "com.example.app:", "com..app:/back",
        ".example.app:/back", "com.example.:/back", "Com.example.app:/back", "3m.example:/back",
        "com.example_app:/back", "com.example.app:/back#x", "com/example.app:/back",
        "com.example.app/back:/", ":/back", "-m.example:/back",
        "https://a.example\\@b.example/", "https://a.example/" + "a" * 2000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("native", [True, False])
def test_anything_else_may_not(uri: str, *, native: bool) -> None:
    assert not may_be_registered(uri, native=native)


@given(st.text())
@example("https://application.example/back?kept=1 ")
@example("https://application.example/back?kept=1\n")
@example("HTTPS://application.example/back?kept=1")
def test_p74_a_web_application_is_answered_at_its_own_address_only(uri: str) -> None:
    assert fits(uri, application(WEB, native=False)) is (uri == WEB)


@given(st.text())
@example("com.example.app:/back/")
@example("com.example.app:80/back")
@example("com.example.app://back")
@example("COM.EXAMPLE.APP:/back")
def test_p74_a_private_use_scheme_is_answered_at_its_own_address_only(uri: str) -> None:
    assert fits(uri, application(PRIVATE, native=True)) is (uri == PRIVATE)


@given(st.integers(-1, 70_000), st.sampled_from(["", "0", " ", "+", "-", "٣", "_"]))
def test_p74_the_port_of_a_native_application_is_a_proper_number(port: int, odd: str) -> None:
    native = application(NATIVE, NATIVE_6, native=True)
    proper = 0 < port <= 65535
    assert fits(f"http://127.0.0.1:{port}/back", native) is proper
    assert fits(f"http://[::1]:{port}/back?x=y", native) is proper
    leading_zero_fits = odd == "0" and proper and port < 10_000
    assert fits(f"http://127.0.0.1:{odd}{port}/back", native) is (
        (odd == "" and proper) or leading_zero_fits
    )
    assert not fits(f"http://127.0.0.1:{port}/back", application(NATIVE, native=False))
    assert not fits(f"http://[::1]:{port}/back", native)


@given(st.text(max_size=60))
def test_p74_what_follows_the_port_is_the_registered_text(tail: str) -> None:
    native = application(NATIVE, native=True)
    assert fits("http://127.0.0.1:8080" + tail, native) is (tail == "/back")
    assert fits("http://127.0.0.1" + tail, native) is (
        tail == "/back" or _a_port_and("/back", tail)
    )


def _a_port_and(path: str, tail: str) -> bool:
    port = tail.removeprefix(":").removesuffix(path)
    return tail == f":{port}{path}" and port.isascii() and port.isdigit() and (
        len(port) <= 5 and 0 < int(port) <= 65535
    )  # fmt: skip


@given(st.dictionaries(st.sampled_from(["code", "state", "iss"]), st.text(min_size=1)))
def test_p78_an_answer_is_escaped_and_comes_out_as_it_went_in(answer: dict[str, str]) -> None:
    url = answer_at("https://a.example/back", answer.items())
    assert url.isascii()
    assert url.isprintable()
    came = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    assert came == {name: text.encode("utf-8", "replace").decode() for name, text in answer.items()}


def test_an_answer_is_added_to_a_query_that_is_there() -> None:
    url = answer_at(WEB, [("code", "c"), ("state", None), ("iss", "https://i.example")])
    assert url == WEB + "&code=c&iss=https%3A%2F%2Fi.example"


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        (WEB, "application.example"),
        ("https://a.example:8443/x", "a.example"),
        (NATIVE_6, "[::1]"),
        ("http://127.0.0.1:5/x", "127.0.0.1"),
        (PRIVATE, "com.example.app"),
    ],
)
def test_the_host_is_shown_without_its_port(uri: str, host: str) -> None:
    assert host_of(uri) == host
