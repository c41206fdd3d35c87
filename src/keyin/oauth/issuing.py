"""Making a token and remembering it: the last step of every grant."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from keyin.domain.environment import Entropy, Millis
from keyin.domain.grant import SETTINGS_AUDIENCE
from keyin.domain.records import Origin, Status, Token
from keyin.domain.secret import AccessToken
from keyin.domain.token_form import RANDOM_BYTES, new_token
from keyin.oauth.auditing import issued

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import Digest, Key, Lineage, ProofUse
    from keyin.oauth.auditing import Occasion
    from keyin.oauth.client_auth import Authenticated
    from keyin.oauth.ports import Peppers, Tokens


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a grant decided to give."""

    key: Key | None
    """None: the key does not exist yet, and the client may make it."""
    key_digest: Digest
    scope: str
    lifetime_s: int
    jkt: str | None = None
    """The thumbprint of the key that the token is bound to; None: whoever bears it."""
    audience: str = SETTINGS_AUDIENCE
    grant: str
    """The grant type, for the audit log."""


async def issue(
    asked: Asked,
    by: Authenticated,
    *,
    tokens: Tokens,
    peppers: Peppers,
    entropy: Entropy,
    on: Occasion,
) -> AccessToken:
    """Return a new token once its record and its event are durable. Raises StoreUnavailable."""
    epoch = await tokens.store_epoch()
    secret, record = new_record(
        asked, by, peppers=peppers, entropy=entropy, now=on.now, store_epoch=epoch
    )
    await tokens.add_token(record, event=_event(asked, by, on))
    return secret


async def issue_once(  # noqa: PLR0913 - as `issue`
    asked: Asked,
    by: Authenticated,
    uses: Sequence[ProofUse],
    *,
    tokens: Tokens,
    peppers: Peppers,
    entropy: Entropy,
    on: Occasion,
) -> AccessToken | ProofUse:
    """Use proofs up in the same commit; where one came before, return that and no token."""
    epoch = await tokens.store_epoch()
    secret, record = new_record(
        asked, by, peppers=peppers, entropy=entropy, now=on.now, store_epoch=epoch
    )
    return await tokens.add_token(record, event=_event(asked, by, on), uses=uses) or secret


def _event(asked: Asked, by: Authenticated, on: Occasion) -> Event:
    return issued(
        by,
        on,
        key=asked.key_digest,
        grant=asked.grant,
        scope=asked.scope,
        audience=asked.audience,
    )


def new_record(
    asked: Asked,
    by: Authenticated,
    *,
    peppers: Peppers,
    entropy: Entropy,
    now: Millis,
    store_epoch: int,
) -> tuple[AccessToken, Token]:
    """Make a token and its record, for a unit of work that does more than to remember it."""
    secret = new_token(entropy.token_bytes(RANDOM_BYTES), now)
    record = Token(
        digest=peppers.digests("token", secret)[0],
        client_id=by.client.id,
        credential_id=by.credential.id,
        key_digest=asked.key_digest,
        audience=asked.audience,
        scope=asked.scope,
        lineage=_granted(by.client.lineage),
        status=Status.ACTIVE,
        client_epoch=by.client.epoch,
        credential_epoch=by.credential.epoch,
        key_epoch=None if asked.key is None else asked.key.epoch,
        store_epoch=store_epoch,
        issued=now,
        expires=Millis(now + asked.lifetime_s * 1000),
        cnf_jkt=asked.jkt,
    )
    return AccessToken(secret), record


@lru_cache(maxsize=1024)
def _granted(lineage: Lineage) -> Lineage:
    """Return a client's lineage as its tokens carry it."""
    return replace(lineage, origin=Origin.GRANT)
