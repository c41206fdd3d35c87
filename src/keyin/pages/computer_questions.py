"""The question about one computer (M9), in a browser that it opened or for a code that it shows.

What the computer says of itself stands there as its own words, and what the publisher of its
software has signed as theirs. Name, type and site can be changed before the yes; nothing is chosen
for the person, and Enter in a field only shows the page anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.address_text import address_text, same_network
from keyin.domain.enrolment import STANDING
from keyin.domain.errors import msgid
from keyin.oauth.computer_approval import NOES, Answer
from keyin.oauth.consent import Choice
from keyin.oauth.managed_ports import Wanted
from keyin.pages.manage_texts import TYPES
from keyin.pages.texts import plain
from keyin.wire.key_fingerprint import key_fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.enrolment import Computer
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.wire.pages import Page, PageRequest

TEMPLATE: Final = "computer_question"
LONGEST_NAME: Final = 80
_MOST_ALIKE: Final = 50
NO_SITE: Final = ""
NO_TYPE: Final = ""
NO_NAME: Final = msgid("Enter a name for the computer.")
BAD_NAME: Final = msgid("Enter a name of at most 80 characters, on one line.")
NAME_TAKEN: Final = msgid("You have another computer of this name. Enter another name.")
NO_SUCH_TYPE: Final = msgid("Choose what the computer is for.")
NO_SUCH_SITE: Final = msgid("Choose a site of yours, or none.")
RIGHTS: Final = (
    msgid("Get the settings of people who key in at it, as long as they are keyed in"),
    msgid("Change its own key, and take itself off your list"),
)
LIMITS: Final = (
    msgid("See the settings of anybody who has not keyed in at it"),
    msgid("Change what people have saved, or make keys"),
    msgid("Use your account, or let other computers in"),
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a page is made of."""

    computer: Computer
    jkt: str | None
    address: str | None
    choice: Choice
    sites: Sequence[str]
    action: str
    """Where the form goes."""
    hidden: Mapping[str, str]
    """What comes back with it."""
    form_target: str | None = None
    at_device: bool = False
    """It shows a code; nobody can be led back to it."""
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


def question(desk: Desk, request: PageRequest, who: SignedIn, asked: Asked) -> Page:
    """Return the page."""
    computer = asked.computer
    software = " ".join(filter(None, (computer.software_id, computer.software_version)))
    return desk.shown(
        TEMPLATE,
        request,
        who,
        form_target=asked.form_target,
        status=400 if asked.errors else 200,
        asked=asked,
        name=plain(asked.choice.name) or plain(computer.name or ""),
        software=plain(software),
        publisher=plain(computer.publisher or ""),
        fingerprint=key_fingerprint(asked.jkt or ""),
        same_network=same_network(asked.address, address_text(request.address)),
        types=types_for(computer),
        rights=RIGHTS,
        limits=LIMITS,
        errors=asked.errors,
    )


def reported(desk: Desk, request: PageRequest, who: SignedIn, address: str | None) -> Page:
    """Say what comes of a report; `address` is where the computer asked from."""
    return desk.shown("computer_reported", request, who, address=address)


async def judged(
    desk: Desk,
    who: SignedIn,
    form: Mapping[str, str],
    computer: Computer,
    answer: Answer | None,
) -> tuple[Choice, Mapping[str, str]]:
    """Return what a person chose, and all that is wrong with it for this very person, by field.

    Of who says no nothing is wrong, and no store is asked.
    """
    if answer in NOES:
        return read_choice(form, computer, ())[0], {}
    sites = await desk.services.computers.sites(who.account)
    choice, errors = read_choice(form, computer, sites)
    taken = await name_taken(desk, who, choice, computer)
    return choice, {**taken, **errors, **await desk.wrong_site(who, choice.site)}


async def name_taken(
    desk: Desk, who: SignedIn, choice: Choice, computer: Computer
) -> Mapping[str, str]:
    """Say so where another computer of theirs has the name, before it would fail to register."""
    wanted = Wanted(text=choice.name)
    page = await desk.services.managing.page(who.account, wanted, before=None, most=_MOST_ALIKE)
    for one in page.computers:
        client, there = one.picture.client, one.registration
        own = client.lineage.owner == who.account.id and client.status in STANDING
        again = there is not None and there.installation_id == computer.installation_id
        if own and client.name == choice.name and not again:
            return {"client_name": NAME_TAKEN}
    return {}


def types_for(computer: Computer) -> Mapping[str, str]:
    """Return what may be chosen; a type that only the computer knows stands there as it says."""
    own = computer.computer_type
    more = {own: own} if own is not None and own not in TYPES else {}
    return {**TYPES, **more}


def first_choice(computer: Computer, sites: Sequence[str]) -> Choice:
    """Return what is chosen before the person chooses: its words, and the only site there is."""
    return Choice(
        name=plain(computer.name or ""),
        computer_type=computer.computer_type,
        site=sites[0] if len(sites) == 1 else None,
    )


def read_name(text: str) -> tuple[str, str | None]:
    """Return a computer's name without blanks that say nothing, and what is wrong with it."""
    name = " ".join(text.split())
    lines = len(text.strip().splitlines())
    bad = len(name) > LONGEST_NAME or lines > 1 or not name.isprintable()
    return name, NO_NAME if not name else BAD_NAME if bad else None


def read_choice(
    form: Mapping[str, str], computer: Computer, sites: Sequence[str]
) -> tuple[Choice, Mapping[str, str]]:
    """Return what a person chose, and what is wrong with it by field."""
    name, wrong_name = read_name(form.get("client_name", ""))
    kind, site = form.get("computer_type", NO_TYPE), form.get("site", NO_SITE)
    found = (
        ("client_name", wrong_name),
        ("computer_type", None if kind in {NO_TYPE, *types_for(computer)} else NO_SUCH_TYPE),
        ("site", None if site in {NO_SITE, *sites} else NO_SUCH_SITE),
    )
    choice = Choice(name=name, computer_type=kind or None, site=site or None)
    return choice, {place: wrong for place, wrong in found if wrong}
