"""What a computer and the cloud say to each other about enrolling: details, request, answer.

RFC 9396 for what a person approves, RFC 7591 for registering, RFC 7592 for what comes after.
Members that hold an address are named here only to be refused (P95): nothing fetches one. Others
that we do not know are ignored (RFC 7591 §2). Decides nothing about what a client may do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec

from keyin.domain.enrolment import Computer
from keyin.domain.errors import InvalidDocument
from keyin.wire.strict_json import decode

if TYPE_CHECKING:
    from keyin.domain.absent import Value

DETAILS_TYPE: Final = "gpii_installation"
LARGEST: Final = 64 * 1024
MOST_KEYS: Final = 2
"""Two may overlap while a client changes its key."""
CERTIFICATE_TYPE: Final = "keyin-registration+jwt"
STATEMENT_TYPE: Final = "keyin-software+jwt"
ADDRESSES: Final = (
    *("jwks_uri", "logo_uri", "client_uri", "policy_uri", "tos_uri", "sector_identifier_uri"),
    *("initiate_login_uri", "backchannel_logout_uri", "frontchannel_logout_uri", "request_uris"),
    *("post_logout_redirect_uris", "backchannel_client_notification_endpoint"),
)
"""Members that stand for an address; a request that has one is refused."""

_LINE: Final = r"\A[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]*\Z"
"""One line, nothing that turns text around or hides in it."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=_LINE)]
"""What a computer is called; shown to people."""
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=_LINE)]
LONGEST_STATEMENT: Final = 4096
SoftwareStatement = Annotated[str, msgspec.Meta(max_length=LONGEST_STATEMENT)]
"""A JWT of who publishes the software (RFC 7591 §2.3)."""
Kind = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_-]{0,31}\Z")]
"""A type of computer."""
Thumbprint = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{43}\Z")]
InstallationId = Thumbprint
"""An HMAC of the machine's id: 32 bytes as base64url. It identifies, and proves nothing."""


class InstallationDetails(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag=DETAILS_TYPE,
    omit_defaults=True,
):
    """One member of `authorization_details` (RFC 9396 §2): the computer that wants to enrol."""

    client_name: Name
    computer_type: Kind | None = None
    software_id: Word | None = None
    software_version: Word | None = None
    installation_id: InstallationId | None = None
    software_statement: SoftwareStatement | None = None
    """Its publisher's word: then the software's id and version are what stands in it."""
    jkt: Thumbprint

    def computer(self) -> Computer:
        """Return what it says of the computer."""
        return Computer(
            name=self.client_name,
            computer_type=self.computer_type,
            software_id=self.software_id,
            software_version=self.software_version,
            installation_id=self.installation_id,
        )


def details_of(computer: Computer, *, name: str, jkt: str) -> InstallationDetails:
    """Say of a computer what was approved; `name` where it has none."""
    return InstallationDetails(
        client_name=computer.name or name,
        computer_type=computer.computer_type,
        software_id=computer.software_id,
        software_version=computer.software_version,
        installation_id=computer.installation_id,
        jkt=jkt,
    )


class RegistrationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A client's wish for itself (RFC 7591 §2); also its PUT (RFC 7592 §2.2)."""

    client_name: Name | None = None
    application_type: str | None = None
    token_endpoint_auth_method: str | None = None
    token_endpoint_auth_signing_alg: str | None = None
    jwks: dict[str, Any] | None = None
    grant_types: tuple[str, ...] | None = None
    response_types: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    scope: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    dpop_bound_access_tokens: bool | None = None
    software_id: Word | None = None
    software_version: Word | None = None
    software_statement: SoftwareStatement | None = None
    gpii_computer_type: Kind | None = None
    gpii_installation_id: InstallationId | None = None
    gpii_site: str | None = None
    client_id: str | None = None
    """Of a PUT only, and then its own."""
    keyin_key_proofs: Annotated[tuple[str, ...], msgspec.Meta(max_length=2)] = ()
    """Of a PUT: for each new key a DPoP proof by it (`ath` included) for this very request."""
    client_secret: str | None = None


class RegistrationAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every registered value as the cloud decided it (RFC 7591 §3.2.1, RFC 7592 §3)."""

    client_id: str
    client_id_issued_at: int
    client_secret: str | None = None
    client_secret_expires_at: int | None = None
    registration_access_token: str
    registration_client_uri: str
    client_name: str
    application_type: str
    token_endpoint_auth_method: str
    token_endpoint_auth_signing_alg: str | None = None
    jwks: dict[str, Any] | None = None
    grant_types: tuple[str, ...]
    response_types: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    scope: str
    dpop_bound_access_tokens: bool
    software_id: str | None = None
    software_version: str | None = None
    gpii_computer_type: str | None = None
    gpii_installation_id: str | None = None
    gpii_site: str | None = None
    gpii_status: str
    """`pending`: it counts after its first proof, or, where it says so in `gpii_flags`, after a
    person's yes."""
    gpii_flags: tuple[str, ...] = ()
    gpii_activate_by: int | None = None
    """Seconds; None: no first proof is waited for."""
    gpii_policy: dict[str, Any]
    keyin_registration_certificate: str | None = None
    """With it the client finds its way back into a cloud that has forgotten it."""

    def __repr__(self) -> str:
        return f"<RegistrationAnswer {self.client_id}>"


Shape = TypeVar("Shape")


def read_details(text: str) -> InstallationDetails:
    """Read the parameter `authorization_details`: one computer. Raises InvalidDocument."""
    (details,) = _read(text.encode("utf-8", "surrogatepass"), tuple[InstallationDetails])
    return details


def details_text(details: InstallationDetails) -> str:
    """Write the parameter `authorization_details`."""
    return msgspec.json.encode([details]).decode()


def read_request(body: bytes) -> RegistrationRequest:
    """Read a wish; one that names an address is refused. Raises InvalidDocument."""
    value = _json(body)
    if not isinstance(value, dict):
        raise InvalidDocument("the request is no JSON object")
    if any(name.partition("#")[0] in ADDRESSES for name in value):
        raise InvalidDocument("no address is taken from a client")
    return _shaped(value, RegistrationRequest)


def read_answer(body: bytes) -> RegistrationAnswer:
    """Read the cloud's answer. Raises InvalidDocument."""
    return _read(body, RegistrationAnswer)


def _read(text: bytes, shape: type[Shape]) -> Shape:
    return _shaped(_json(text), shape)


def _json(text: bytes) -> Value:
    if len(text) > LARGEST:
        raise InvalidDocument("the JSON is too large")
    return decode(text)


def _shaped(value: Value, shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(value, shape)
    except (msgspec.ValidationError, RecursionError):
        # without its cause, which may quote what was sent
        raise InvalidDocument("a member of the JSON has another shape than is wanted") from None
