"""The SQL by which clients and tokens lapse, for every store in SQL; places are `?1` and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.events import Act, Event
from keyin.stores.enrolment_rows import STANDS

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.domain.records import RecordId

KEEPER: Final = "keyin"
"""The actor of what nobody asked for."""
UNPROVED: Final = """
SELECT o.id, o.site FROM registrations AS r JOIN clients AS o ON o.id = r.client_id
WHERE r.activate_by < ?1 AND o.status = 'pending' ORDER BY r.activate_by LIMIT ?2
"""
UNUSED: Final = """
SELECT o.id, o.site FROM client_keys AS k JOIN registrations AS r
ON r.credential_id = k.credential_id JOIN clients AS o ON o.id = r.client_id
WHERE coalesce(k.last_used, k.added) < ?1 AND o.status = 'active'
AND coalesce(o.updated, o.created) < ?1 AND NOT EXISTS (
  SELECT 1 FROM client_keys AS j WHERE j.credential_id = k.credential_id
  AND j.status = 'active' AND coalesce(j.last_used, j.added) >= ?1)
ORDER BY coalesce(k.last_used, k.added) LIMIT ?2
"""
EXPIRE: Final = (
    "UPDATE clients SET status = 'expired', epoch = epoch + 1, updated = ?2 "
    "WHERE id = ?1 AND status IN ('pending', 'active')"
)
OVER: Final = """
SELECT r.client_id, r.credential_id FROM registrations AS r JOIN clients AS o
ON o.id = r.client_id WHERE r.activate_by < ?1 AND o.status = 'expired'
ORDER BY r.activate_by LIMIT ?2
"""
FORGET: Final = (
    "DELETE FROM client_keys WHERE credential_id = ?2 AND ?1 <> ''",
    "DELETE FROM registrations WHERE client_id = ?1 AND credential_id = ?2",
    "DELETE FROM credentials WHERE client_id = ?1 AND id = ?2",
    "DELETE FROM clients WHERE id = ?1 AND ?2 <> ''",
)
OLD_ACCESS: Final = """
SELECT a.id FROM initial_access AS a WHERE a.expires < ?1 AND a.kind <> 'channel'
AND NOT EXISTS (SELECT 1 FROM registrations AS r WHERE r.initial_access_id = a.id)
ORDER BY a.expires LIMIT ?2
"""
FORGET_ACCESS: Final = f"DELETE FROM initial_access WHERE id IN ({OLD_ACCESS})"  # noqa: S608 - ours
END_TOKENS: Final = (
    "UPDATE initial_access SET status = 'revoked', revoked_reason = ?2 "
    "WHERE owner = ?1 AND status <> 'revoked'"
)
END_CLIENTS: Final = (
    "UPDATE clients SET status = 'revoked', epoch = epoch + 1, updated = ?2 "  # noqa: S608 - ours
    f"WHERE owner = ?1 AND status IN {STANDS}"
)


def expired(client_id: RecordId, site: str | None, now: Millis, why: str) -> Event:
    """Return the event of a client that lapsed."""
    return Event(
        act=Act.CLIENT_EXPIRED, actor=KEEPER, at=now, client=client_id, site=site, reason=why
    )
