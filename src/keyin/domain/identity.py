"""What a computer does next about its identity, from what it holds: no failure leaves it stuck.

Pure. The rules in one sentence each: a new identity is proven before the old one goes; a copy is
never used; a question without an answer is asked again; a half-changed key is brought to its end;
what the cloud forgot comes back with its certificate; a new version is told of before anything else
is said; and nothing that was refused for good knocks on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

_FIRST_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 3600.0


class Step(StrEnum):
    """The next thing to do."""

    REST = "rest"
    SHOW = "show"
    """See whether the cloud still knows this computer, before a person finds out."""
    TELL_SOFTWARE = "tell_software"
    """Say which software this computer runs now."""
    ASK_AGAIN = "ask_again"
    """Ask for the answer to a registration that did not come, with the same key and token."""
    DROP_ASKED = "drop_asked"
    """Another system asked for what lies there."""
    PROVE_NEW = "prove_new"
    """Show the cloud the new identity once; then it takes the old one's place."""
    ASK_WHETHER_APPROVED = "ask_whether_approved"
    """A person has to say yes to the new identity."""
    DROP_NEW = "drop_new"
    """What lies there can never become this computer's identity."""
    FINISH_KEY = "finish_key"
    """Go on with a change of key that was interrupted."""
    COME_BACK = "come_back"
    """Present the certificate of the registration that the cloud does not know any more."""
    USE_FILE = "use_file"
    """Enrol with the file that this computer's site put there."""
    REMOVE_FILE = "remove_file"
    """Take that file away: it opens the site to whoever reads it, and has no use here any more."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of one identity that lies on this computer."""

    cloud: str | None
    """The issuer that it is for; None: made by hand, for whichever."""
    installation_id: str | None
    """Of the system that it was made on; None: made by hand."""
    half_changed: bool = False
    """Two keys lie there."""
    awaiting: bool = False
    can_come_back: bool = False
    """It has a certificate."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand on this computer."""

    cloud: str | None
    installation_id: str | None
    held: Identity | None
    """The identity in use."""
    coming: Identity | None
    """A new one, which the cloud has registered and has not seen proven."""
    asking: Identity | None = None
    """One that the cloud was asked to register, and has not answered."""
    sealed: bool = False
    """Prepared for imaging, and not started anew since."""
    site_file: bool = False
    shown: bool = True
    """The cloud has taken the identity in use since this process began."""
    told: bool = True
    """The cloud knows which software runs here, or is not to be told just now."""
    refused: bool = False
    """The cloud does not accept the identity in use, and the clock is not to blame."""
    hopeless: bool = False
    """And it does not take its certificate either."""


def is_copy(identity: Identity, installation_id: str | None) -> bool:
    """Tell whether it was made on another system than this one; who has no id cannot tell."""
    made_on = identity.installation_id
    return None not in {made_on, installation_id} and made_on != installation_id


def is_for(identity: Identity, cloud: str | None) -> bool:
    """Tell whether it is for this cloud."""
    return identity.cloud in {None, cloud}


def next_step(situation: Situation) -> Step:
    """Return what to do now."""
    if situation.sealed or situation.cloud is None:
        return Step.REST
    asked = situation.asking and _about_asking(situation.asking, situation)
    if asked:
        return asked
    if situation.coming is not None:
        return _about_coming(situation.coming, situation)
    held = situation.held
    if held is None or is_copy(held, situation.installation_id):
        return Step.USE_FILE if situation.site_file else Step.REST
    return _about_held(held, situation) if is_for(held, situation.cloud) else Step.REST


def _about_held(held: Identity, situation: Situation) -> Step:
    if not situation.told:
        return Step.TELL_SOFTWARE
    if situation.refused:
        back = held.can_come_back and not situation.hopeless
        return Step.COME_BACK if back else Step.REST
    if not situation.shown:
        return Step.SHOW
    if held.half_changed:
        return Step.FINISH_KEY
    served = situation.site_file and held.cloud is not None
    return Step.REMOVE_FILE if served else Step.REST


def _about_asking(asking: Identity, situation: Situation) -> Step | None:
    """Go on; what was asked elsewhere waits, for who may come back to it with the same code."""
    if is_copy(asking, situation.installation_id):
        return Step.DROP_ASKED
    return Step.ASK_AGAIN if is_for(asking, situation.cloud) else None


def _about_coming(coming: Identity, situation: Situation) -> Step:
    here = not is_copy(coming, situation.installation_id)
    if not here or not is_for(coming, situation.cloud):
        return Step.DROP_NEW
    return Step.ASK_WHETHER_APPROVED if coming.awaiting else Step.PROVE_NEW


def pause(failures: int, chance: int) -> float:
    """Return the seconds to wait after so many failures in a row; `chance` is one byte.

    Doubling up to an hour, and up to a quarter less: a hundred computers that lost one cloud do not
    come back as one.
    """
    full = min(_FIRST_PAUSE_S * float(2 ** min(failures, 20)), _LONGEST_PAUSE_S)
    return full * (1 - chance / 1024)
