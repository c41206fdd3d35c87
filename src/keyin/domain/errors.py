"""The error tree. A room raises ours only, and translates foreign ones at its seam, `from exc`.

    KeyinError
    ├── ConfigurationError      the operator must change a file, a flag or a permission
    ├── InvalidDocument         something read from outside has the wrong shape
    ├── StoreUnavailable        the store cannot answer now
    ├── CloudUnreachable        the cloud cannot be reached, or did not answer in time
    ├── RequesterUnreachable    the access requester cannot be reached
    ├── FlowManagerUnreachable  the flow manager of this account cannot be reached
    ├── Refused                 somebody who may said no; `code` says which no
    └── HandlerFailed           a mechanism of the computer did not do what was asked

`code` is one word for programs, from a closed list. `message` and `next_step` are catalogue keys
(gettext msgids) with `%(name)s` places; the command line translates them. What never appears in
any of them: keys, tokens, secrets, preferences.
"""

from __future__ import annotations


def msgid(text: str) -> str:
    """Mark a text that stands apart from its error as one for the catalogue; returns it as is."""
    return text


class KeyinError(Exception):
    """Something that a person can be told about: what happened, why, and the next step."""

    code: str = "internal"

    def __init__(self, message: str, *, next_step: str = "", **fields: object) -> None:
        super().__init__(message % fields if fields else message)
        self.message = message
        self.next_step = next_step
        self.fields = fields


class ConfigurationError(KeyinError):
    """The operator must change a file, a flag or a permission."""

    code = "configuration_error"


class InvalidDocument(KeyinError):  # noqa: N818 - names the thing, as HTTP statuses do
    """Something read from outside has the wrong shape."""

    code = "invalid_document"


class StoreUnavailable(KeyinError):  # noqa: N818 - a state, not a mistake
    """The store cannot answer now; try again later."""

    code = "store_unavailable"


class CloudUnreachable(KeyinError):  # noqa: N818 - a state, not a mistake
    """The cloud cannot be reached, or did not answer in time."""

    code = "cloud_unreachable"


class RequesterUnreachable(KeyinError):  # noqa: N818 - a state, not a mistake
    """The access requester cannot be reached."""

    code = "requester_unreachable"


class FlowManagerUnreachable(KeyinError):  # noqa: N818 - a state, not a mistake
    """The flow manager of this account cannot be reached."""

    code = "flow_manager_unreachable"


class Refused(KeyinError):  # noqa: N818 - the other side's word
    """Somebody who may said no."""

    def __init__(self, code: str, message: str, *, next_step: str = "", **fields: object) -> None:
        super().__init__(message, next_step=next_step, **fields)
        self.code = code


class HandlerFailed(KeyinError):  # noqa: N818 - a state, not a mistake
    """A mechanism of the computer did not do what was asked."""

    code = "handler_failed"
