"""What a client may become: never more than its template, and registered, never something else."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from keyin.domain.enrolment import SETTINGS_SCOPES, Computer, Template
from keyin.domain.records import UNRESTRICTED
from keyin.oauth.errors import Refusal
from keyin.oauth.registration_records import policy_of
from keyin.oauth.registration_rules import Granted, Terms, grant
from keyin.oauth.software_statements import Statement
from keyin.stores.host import SystemEntropy
from keyin.wire.enrolment import RegistrationRequest
from keyin.wire.signing_key import new_key

KEYS = [new_key(SystemEntropy()) for _ in range(3)]
WORD = st.sampled_from(["a", "b", "c", None])
LIMITS = st.one_of(st.just(UNRESTRICTED), st.lists(st.sampled_from("abc"), max_size=2).map(tuple))
SCOPES = st.lists(
    st.sampled_from([*SETTINGS_SCOPES, "account:read", "client:register", "*"]), unique=True
)
TEMPLATE = st.builds(
    Template,
    computer_type=WORD,
    scopes=st.sampled_from([SETTINGS_SCOPES, SETTINGS_SCOPES[:1], ()]),
    networks=LIMITS,
    writable=LIMITS,
)
COMPUTER = st.builds(
    Computer,
    name=WORD,
    computer_type=WORD,
    software_id=WORD,
    software_version=WORD,
    installation_id=WORD,
)


def _terms(**named: Any) -> Terms:
    return Terms(**named)


TERMS = st.builds(
    _terms,
    template=TEMPLATE,
    computer=COMPUTER,
    software_ids=LIMITS,
    registered=st.booleans(),
    version_before=WORD,
)
REQUEST = st.builds(
    RegistrationRequest,
    client_name=st.sampled_from(["a", "b"]),
    scope=st.none() | SCOPES.map(" ".join),
    jwks=st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True).map(
        lambda keys: {"keys": [json.loads(key.public.jwk) for key in keys]}
    ),
    software_id=WORD,
    software_version=WORD,
    gpii_computer_type=WORD,
    gpii_installation_id=WORD,
    gpii_site=WORD,
)
STATEMENT = st.none() | st.builds(
    lambda id_, version, scope: Statement(
        publisher="https://publisher.example",
        software_id=id_,
        channel=None,
        claims={"software_id": id_, "software_version": version, "scope": scope},
    ),
    st.sampled_from(["a", "b"]),
    WORD,
    st.sampled_from(["account:read", "settings:read settings:write *"]),
)


@settings(max_examples=400, deadline=None)
@given(request=REQUEST, terms=TERMS, statement=STATEMENT)
def test_p2_nothing_that_is_granted_exceeds_the_template(
    request: RegistrationRequest, terms: Terms, statement: Statement | None
) -> None:
    granted = grant(request, terms, statement)
    if isinstance(granted, Refusal):
        return
    template, policy = terms.template, policy_of(granted)
    assert granted.scopes
    assert set(granted.scopes) <= set(template.scopes)
    assert policy.networks == template.networks
    assert policy.writable in {template.writable, ()}
    assert policy.writable == () or "settings:write" in granted.scopes
    assert not policy.may_create_keys
    assert not policy.may_create_safes
    assert 1 <= len(granted.keys) <= 2
    assert terms.software_ids is UNRESTRICTED or granted.software_id in terms.software_ids
    if template.computer_type:
        assert granted.computer_type == template.computer_type
    assert_approved(granted, terms, statement)


def assert_approved(granted: Granted, terms: Terms, statement: Statement | None) -> None:
    """See that what a person approved stays; of a registered client also what is not there."""
    said = terms.computer
    for name in ("name", "software_id", "installation_id"):
        if getattr(said, name) is not None:
            assert getattr(granted, name) == getattr(said, name)
    if terms.registered:
        assert granted.software_id == said.software_id
        assert granted.installation_id == said.installation_id
    if statement is not None:
        assert granted.software_id == statement.software_id


@settings(max_examples=400, deadline=None)
@given(request=REQUEST, terms=TERMS, statement=STATEMENT)
def test_p15_what_was_granted_is_granted_again_and_no_more(
    request: RegistrationRequest, terms: Terms, statement: Statement | None
) -> None:
    first = grant(request, terms, statement)
    if isinstance(first, Refusal):
        return
    own = Terms(
        template=Template(
            computer_type=first.computer_type,
            scopes=first.scopes,
            networks=terms.template.networks,
            writable=terms.template.writable,
        ),
        computer=Computer(
            computer_type=first.computer_type,
            software_id=first.software_id,
            installation_id=first.installation_id,
        ),
        registered=True,
        version_before=first.software_version,
    )
    named = changed(request, client_name=first.name)
    again = grant(named, own, statement)
    assert isinstance(again, Granted)
    assert again.scopes == first.scopes
    assert (again.computer_type, again.installation_id) == (
        first.computer_type,
        first.installation_id,
    )


def changed(request: RegistrationRequest, **changes: Any) -> RegistrationRequest:
    members = {name: getattr(request, name) for name in request.__struct_fields__}
    return RegistrationRequest(**{**members, **changes})
