"""`keyin-enrol`: the public client with which a computer asks a person to be let in.

It is built in, proves nothing (its name is no secret), and may ask for nothing but to register,
over PAR and with a proof of the computer's key. A cloud makes sure of it when it starts; it is a
record like any other, so that an administrator can suspend it, and no browser or device enrols
anything meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from keyin.domain.applications import AUTHORIZATION_CODE, DEVICE_CODE, Application, AuthMethod
from keyin.domain.enrolment import ENROLMENT_CLIENT, REGISTER_SCOPE
from keyin.domain.events import Act, Event
from keyin.domain.records import (
    UNRESTRICTED,
    ClientKind,
    CredentialPolicy,
    Lineage,
    Origin,
    RecordId,
)
from keyin.oauth.new_clients import new_client, new_credential
from keyin.oauth.ports import Credentials, Enrolment, Enrolments

if TYPE_CHECKING:
    from keyin.domain.environment import Millis

NAME: Final = "keyin on a computer"
REDIRECT_URIS: Final = ("http://127.0.0.1/oauth2/callback", "http://[::1]/oauth2/callback")
BUILT_IN: Final = "built_in"
"""The actor of the event."""
_CLIENT: Final = RecordId(f"c_{ENROLMENT_CLIENT}")
_CREDENTIAL: Final = RecordId(f"cc_{ENROLMENT_CLIENT}")

APPLICATION: Final = Application(
    credential_id=_CREDENTIAL,
    auth_method=AuthMethod.NONE,
    native=True,
    redirect_uris=REDIRECT_URIS,
    grant_types=(AUTHORIZATION_CODE, DEVICE_CODE),
    scopes=(REGISTER_SCOPE,),
    par_required=True,
    typ_required=True,
)


class Store(Credentials, Enrolments, Protocol):
    """Where it is looked for, and put."""


async def make_sure(store: Store, *, now: Millis) -> bool:
    """Remember it where it is not known; say whether that was so. Raises StoreUnavailable."""
    if await store.find_credential(ENROLMENT_CLIENT) is not None:
        return False
    event = Event(
        act=Act.CLIENT_REGISTERED,
        actor=BUILT_IN,
        at=now,
        client=_CLIENT,
        detail={"application": ENROLMENT_CLIENT, "method": AuthMethod.NONE},
    )
    await store.enrol(records(now), event=event)
    return True


def records(now: Millis) -> Enrolment:
    """Return its records."""
    lineage = Lineage(origin=Origin.ADMINISTRATOR)
    client = new_client(_CLIENT, ClientKind.APPLICATION, lineage, name=NAME, now=now)
    policy = CredentialPolicy(
        networks=UNRESTRICTED, writable=(), may_create_keys=False, may_create_safes=False
    )
    credential = new_credential(_CREDENTIAL, client, ENROLMENT_CLIENT, policy)
    return Enrolment(clients=[client], credentials=[credential], applications=[APPLICATION])
