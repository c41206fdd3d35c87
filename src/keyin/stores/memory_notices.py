"""The part of the forgetful store that holds notices, and which of them are to be mailed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.domain.records import Status
from keyin.oauth.notice_ports import MOST_NETWORKS, Due

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.enrolment import Notice
    from keyin.domain.environment import Millis
    from keyin.domain.records import RecordId
    from keyin.oauth.accounts import Account


class MemoryNotices:
    """What a method does stands with its port in `oauth.notice_ports`."""

    _accounts: dict[RecordId, Account]

    def __init__(self) -> None:
        super().__init__()
        self._notices: dict[RecordId, Notice] = {}
        self._mail: dict[RecordId, tuple[Millis, int]] = {}
        """When to mail, and how often it was tried."""
        self._networks: dict[RecordId, dict[str, tuple[Millis, Millis]]] = {}
        """From where a computer was used, and when first and last."""

    def put_notices(self, notices: Sequence[Notice]) -> None:
        """Add notices within a unit of work."""
        for one in notices:
            if one.id not in self._notices:
                self._notices[one.id] = one
                self._mail[one.id] = (one.at, 0)

    async def add_notices(self, notices: Sequence[Notice]) -> None:
        """See Notices."""
        self.put_notices(notices)

    async def notices_of(
        self, account_id: RecordId, *, most: int, before: RecordId | None = None
    ) -> Sequence[Notice]:
        """See Notices."""
        own = [one for one in self._notices.values() if one.account_id == account_id]
        if before is not None:
            ids = [one.id for one in own]
            own = own[: ids.index(before)] if before in ids else []
        return own[::-1][:most]

    async def see_notices(
        self, account_id: RecordId, ids: Sequence[RecordId], *, now: Millis
    ) -> int:
        """See Notices."""
        del now
        found = [self._notices[id_] for id_ in ids if id_ in self._notices]
        new = [one for one in found if one.account_id == account_id and not one.seen]
        self._notices |= {one.id: replace(one, seen=True) for one in new}
        return len(new)

    async def note_network(
        self, client_id: RecordId, network: str, *, now: Millis, told: Sequence[Notice]
    ) -> bool:
        """See ClientNetworks."""
        known = self._networks.setdefault(client_id, {})
        if network in known:
            known[network] = (known[network][0], now)
            return False
        known[network] = (now, now)
        if len(known) == 1:
            return False
        for oldest in [*known][:-MOST_NETWORKS]:
            del known[oldest]
        self.put_notices(told)
        return True

    async def claim_mail(self, *, now: Millis, until: Millis, most: int) -> Sequence[Due]:
        """See Outbox."""
        due = sorted((id_ for id_, one in self._mail.items() if one[0] <= now), key=self._when)
        claimed = []
        for id_ in due[:most]:
            tries = self._mail[id_][1] + 1
            self._mail[id_] = (until, tries)
            one = self._notices[id_]
            account = self._accounts.get(one.account_id)
            there = account is not None and account.status is Status.ACTIVE
            claimed.append(
                Due(
                    notice=one,
                    email=account.email if account and there else None,
                    language=account.language if account and there else None,
                    tries=tries,
                )
            )
        return claimed

    def _when(self, id_: RecordId) -> Millis:
        return self._mail[id_][0]

    async def note_mailed(self, id_: RecordId, *, now: Millis) -> None:
        """See Outbox."""
        del now
        self._mail.pop(id_, None)
        if id_ in self._notices:
            self._notices[id_] = replace(self._notices[id_], mailed=True)

    async def mail_again(self, id_: RecordId, *, at: Millis | None) -> None:
        """See Outbox."""
        tries = self._mail.pop(id_, (at, 0))[1]
        if at is not None and id_ in self._notices:
            self._mail[id_] = (at, tries)
