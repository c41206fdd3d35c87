"""What every page is made with: who is there, the guard, the seals, the templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from keyin.domain.address_text import address_text
from keyin.oauth.accounts import is_fresh
from keyin.oauth.initial_access import By
from keyin.oauth.second_factor import Rule, is_asked
from keyin.oauth.sign_in import SignedIn, Visit
from keyin.pages.answers import page, see_other
from keyin.pages.guard import FIELD
from keyin.pages.rendering import Templates
from keyin.pages.seals import Onward
from keyin.pages.texts import NEEDS_SECOND, PROBLEMS, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.oauth.page_services import PageServices
    from keyin.pages.guard import Guard
    from keyin.pages.seals import Seals
    from keyin.wire.pages import Header, Page, PageRequest


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    services: PageServices
    guard: Guard
    seals: Seals
    templates: Templates = msgspec.field(default_factory=Templates)

    async def who(self, request: PageRequest) -> SignedIn | None:
        """Return who has signed in here, if their session still holds."""
        token = self.guard.session(request)
        return await self.services.sign_in.who(token, request.now) if token else None

    def sent_by(self, request: PageRequest, who: SignedIn) -> bool:
        """Tell whether a form comes from a page of ours for this very session (P52)."""
        return self.guard.holds(request, who.token.reveal())

    async def visitor(
        self,
        request: PageRequest,
        place: str,
        *,
        recent: bool = False,
        second: bool = True,
        query: Mapping[str, str] | None = None,
    ) -> SignedIn | Page:
        """Return who has signed in, or what to show them first; a form must be one of ours.

        `place` is the page to which a sign-in leads; `recent`: the sign-in must be (P55), and with
        `second` an account of which a second step is asked must have one (P101).
        """
        who = await self.who(request)
        if who is not None and request.method == "POST" and not self.sent_by(request, who):
            return self.trouble(Trouble.FORM, request, who)
        if who is not None and request.query is None:
            return self.trouble(Trouble.REQUEST, request, who)
        there = fresh(who, request) if recent else who
        if there is not None and recent and second and await self._lacks_second(there):
            return see_other("/account/second-step?needed=yes")
        return there or self.to_sign_in(Onward(to="manage", place=place, query=dict(query or {})))

    async def wrong_site(self, who: SignedIn, site: str | None) -> Mapping[str, str]:
        """Return what is wrong with a site that somebody chose, by field: a lacking second step."""
        return {"site": NEEDS_SECOND} if site and await self._lacks_second(who) else {}

    async def _lacks_second(self, who: SignedIn) -> bool:
        services = self.services
        if services.rule is Rule.OPTIONAL or await services.steps.of(who.account) is not None:
            return False
        memberships = await services.managing.store.memberships_of(who.account.id)
        return is_asked(services.rule, memberships)

    def to_sign_in(self, onward: Onward) -> Page:
        """Let the person sign in first, and then go there."""
        return see_other(f"/login?next={self.seals.seal(onward)}")

    def shown(
        self,
        template: str,
        request: PageRequest,
        who: SignedIn | None,
        /,
        *more: Header,
        status: int = 200,
        form_target: str | None = None,
        reason: str | None = None,
        **context: Any,  # noqa: ANN401 - whatever a template shows
    ) -> Page:
        """Render a template; it knows who is there, and the proof that their forms carry."""
        proof = self.guard.proof(who.token.reveal()) if who else None
        body = self.templates.render(
            template,
            request,
            **{
                "who": who.account.name if who else None,
                "proof": proof,
                "field": FIELD,
                "here": None,
                **context,
            },
        )
        return page(
            status,
            body,
            *more,
            form_target=form_target,
            reason=reason,
            pictures="pictures" in context,
        )

    def trouble(self, trouble: Trouble, request: PageRequest, who: SignedIn | None) -> Page:
        """Say that something does not work, and the next step; never why in detail (P27)."""
        problem = PROBLEMS[trouble]
        return self.shown(
            "trouble",
            request,
            who,
            status=problem.status,
            reason=trouble.value,
            problem=problem,
            support_code=request.request_id,
        )


def fresh(who: SignedIn | None, request: PageRequest) -> SignedIn | None:
    """Return who signed in at most five minutes ago (P55)."""
    return who if who is not None and is_fresh(who.session, request.now) else None


def by(request: PageRequest, who: SignedIn) -> By:
    """Return who does something, as services want it."""
    return By(
        actor=who.account.id,
        now=request.now,
        address=address_text(request.address),
        request_id=request.request_id,
    )


def visit(request: PageRequest) -> Visit:
    """Return where the request comes from, as services want it."""
    return Visit(address=request.address, now=request.now, request_id=request.request_id)
