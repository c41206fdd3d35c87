"""The one door through which errors leave: a closed set of bodies (P27).

No text here comes from an exception, a path, a host or the store. What echoes the request is the
key of a refused save and the name of an unsupported grant type, which clients' code shows.

    OAuth family         `/access_token`: {"error", "error_description"} (cloud-wire §2.1)
    application family   everything else: {"isError": true, "message", ...}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud.answers import (
    JSON_BARE,
    NO_CACHE,
    NO_STORE,
    Answer,
    Header,
    application_error,
    json_answer,
)
from keyin.settings.errors import Rejected, Why

if TYPE_CHECKING:
    from keyin.domain.secret import GpiiKey
    from keyin.oauth.bearer import Denial
    from keyin.oauth.errors import Refusal

RETRY_AFTER: Final[Header] = (b"retry-after", b"5")
CLOSE: Final[Header] = (b"connection", b"close")

NOT_FOUND: Final = application_error(404, "Not found", reason="not_found")
MISDIRECTED: Final = application_error(421, "Not found", reason="misdirected")
UNAUTHORIZED: Final = application_error(401, "Unauthorized")
BAD_ESCAPE: Final = application_error(
    400, "The address of the request is not properly percent-encoded UTF-8", reason="bad_escape"
)
BAD_REQUEST: Final = application_error(400, "The request is not proper HTTP", CLOSE)
URL_TOO_LONG: Final = application_error(414, "The request line is longer than 16 KiB", CLOSE)
HEADERS_TOO_LARGE: Final = application_error(431, "The headers are larger than 32 KiB", CLOSE)
BODY_TOO_LARGE: Final = application_error(
    413, "The request body is too large", CLOSE, reason="body_too_large"
)
BODY_TOO_SLOW: Final = application_error(
    408, "The request body did not arrive in time", CLOSE, reason="body_too_slow"
)
UNSUPPORTED_ENCODING: Final = application_error(
    415, "The request body must be UTF-8 and not compressed", reason="unsupported_encoding"
)
INTERNAL: Final = application_error(500, "Internal error", reason="internal")
UNAVAILABLE: Final = application_error(
    503, "The service is unavailable for the moment", RETRY_AFTER, reason="store_unavailable"
)
OVERLOADED: Final = application_error(
    503, "The service is unavailable for the moment", RETRY_AFTER, reason="overloaded"
)
NOT_READY: Final = application_error(503, "Problem with the database connection", RETRY_AFTER)
REVISION_UNREADABLE: Final = application_error(
    404, "Error retrieving full git revision: The revision file cannot be read"
)
REVISION_MISSING: Final = application_error(
    404, "Error retrieving full git revision: Missing revision value"
)
NO_SUCH_KEY: Final = application_error(
    404, "GPII key does not exist", errorCode="GPII_ERR_NO_GPIIKEY", reason="no_such_key"
)
NOT_READY_ELSEWHERE: Final = application_error(
    503, "Error connecting to Preferences Server", RETRY_AFTER
)

_SETTINGS: Final = {
    Why.DEVICE_UNREADABLE: application_error(
        400,
        "Cloud based flow manager requires device information - failed to parse it as JSON",
        reason="device_unreadable",
    ),
    Why.QUERY_INVALID: application_error(
        400, 'The request body must be one object with one member "device"', reason="query_invalid"
    ),
    Why.BODY_UNREADABLE: application_error(
        400, "The request body is not proper JSON", reason="body_unreadable"
    ),
    Why.TOO_LARGE: application_error(
        413, "The preferences are larger than 1 MiB, or have over 100 sets", reason="too_large"
    ),
    Why.NOT_ALLOWED: application_error(401, "Unauthorized", reason="not_allowed"),
}


def unauthorized(denial: Denial) -> Answer:
    """Say the same to everybody who may not, whatever the cause (cloud-wire §4.2)."""
    return Answer(UNAUTHORIZED.status, UNAUTHORIZED.body, UNAUTHORIZED.headers, denial.reason)


def settings_error(
    error: Rejected, key: GpiiKey | None, *, doing: str = " while executing HTTP PUT"
) -> Answer:
    """Render what the settings service refuses (cloud-wire §4.5, §8.3); no key: none is told."""
    named = f'GPII key "{key.reveal()}"' if key else "GPII key"
    if error.why is Why.BODY_INVALID:
        return _invalid(error)
    if error.why is Why.READ_ONLY:
        return application_error(
            404,
            f"Can't update preferences for readOnly {named} (perhaps it is a snapset){doing}",
            errorCode="GPII_ERR_READONLY",
            reason="read_only",
        )
    if error.why is Why.SAFE_MISSING:
        return application_error(
            409,
            f"{named} already exists{doing}",
            errorCode="GPII_ERR_GPIIKEY_EXISTS",
            reason="safe_missing",
        )
    return _SETTINGS[error.why]


def preferences_error(error: Rejected, key: GpiiKey | None) -> Answer:
    """Render what the preferences server refuses (cloud-wire §7.3, §7.5).

    A key that may not be changed, or no more, is a read-only one to who asks here.
    """
    if error.why is Why.NO_KEY:
        return NO_SUCH_KEY
    refused = Rejected(Why.READ_ONLY) if error.why is Why.NOT_ALLOWED else error
    return settings_error(refused, key, doing="")


def _invalid(error: Rejected) -> Answer:
    return json_answer(
        400,
        {
            "isError": True,
            "message": "Your request was invalid.  See the errors for details.",
            "isValid": False,
            "errors": [dict(violation) for violation in error.violations],
        },
        reason="body_invalid",
    )


def oauth_error(refusal: Refusal) -> Answer:
    """Render a refused token request (cloud-wire §3.2)."""
    if refusal.code is None:
        return Answer(refusal.status, refusal.description.encode(), (), refusal.reason)
    content = {"error": refusal.code.value, "error_description": refusal.description}
    return Answer(
        refusal.status,
        msgspec.json.encode(content),
        (JSON_BARE, NO_STORE, NO_CACHE, *retry_after(refusal)),
        refusal.reason,
    )


def retry_after(refusal: Refusal) -> tuple[Header, ...]:
    """Return the header that says when to come again, where a limit was reached."""
    seconds = refusal.retry_after_s
    return () if seconds is None else ((b"retry-after", b"%d" % seconds),)


def in_oauth_family(answer: Answer) -> Answer:
    """Tell in the OAuth family what the application family has said."""
    code = "server_error" if answer.status >= 500 else "invalid_request"  # noqa: PLR2004 - HTTP's classes
    message = msgspec.json.decode(answer.body)["message"]
    content = {"error": code, "error_description": message}
    return Answer(
        answer.status,
        msgspec.json.encode(content),
        (JSON_BARE, NO_STORE, NO_CACHE, *answer.headers[1:]),
        answer.reason,
    )
