"""`/api/v1`: what tokens of other classes than settings open, each class its own (P1, P4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud import routes
from keyin.cloud.answers import JSON_UTF8, NO_STORE, Answer
from keyin.cloud.denials import denied
from keyin.cloud.errors import BAD_REQUEST
from keyin.domain.grant import ACCOUNT_AUDIENCE, OPERATIONS_AUDIENCE
from keyin.oauth.bearer import Denial
from keyin.oauth.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.exchange import Exchange, Handler
    from keyin.cloud.guard import Guard
    from keyin.cloud.routes import Route
    from keyin.domain.absent import Value
    from keyin.domain.records import StoredGrant
    from keyin.oauth.account_access import AccountAccess
    from keyin.oauth.site_installations import SiteInstallations

_LONGEST_NUMBER: Final = 18


class ApiRoutes(msgspec.Struct, frozen=True, kw_only=True):
    """Authenticate, authorise, answer."""

    guard: Guard
    accounts: AccountAccess
    installations: SiteInstallations

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route."""
        return {routes.ACCOUNT: self.account, routes.INSTALLATIONS: self.list_installations}

    async def account(self, exchange: Exchange) -> Answer:
        """Say whose account the token opens."""
        admitted = await self.guard.admit_other(exchange, ACCOUNT_AUDIENCE)
        if isinstance(admitted, Answer):
            return admitted
        account = await self.accounts.of(admitted.token)
        if account is None:
            return denied(Denial(Reason.EPOCH), self.guard.authorization, exchange.now)
        return _told({"sub": account.id, "name": account.name})

    async def list_installations(self, exchange: Exchange) -> Answer:
        """List the installations of the job's own site, `?after=` the last one seen."""
        admitted = await self.guard.admit_other(exchange, OPERATIONS_AUDIENCE)
        if isinstance(admitted, Answer):
            return admitted
        after = _after(exchange.request.query)
        if after is None:
            return BAD_REQUEST
        return _told(await self.installations.listed(_site(admitted), after=after))


def _site(grant: StoredGrant) -> str | None:
    return grant.client.lineage.site


def _after(query: bytes) -> int | None:
    """Return the number in `after=...`, 0 without a query; None: it says something else."""
    if not query:
        return 0
    name, _, number = query.partition(b"=")
    proper = name == b"after" and number.isdigit() and len(number) <= _LONGEST_NUMBER
    return int(number) if proper else None


def _told(content: Mapping[str, Value]) -> Answer:
    return Answer(200, msgspec.json.encode(content), (JSON_UTF8, NO_STORE))
