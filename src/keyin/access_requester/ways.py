"""All that one computer enrols with, put together once for whoever uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from keyin.access_requester.enrolment import Enrolment
    from keyin.access_requester.own_identity import OwnIdentity
    from keyin.access_requester.reach import Reach
    from keyin.access_requester.registering import Registering
    from keyin.access_requester.rotation import Rotation
    from keyin.access_requester.site_file import SiteFiles
    from keyin.access_requester.telling import Telling


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """One of each."""

    reach: Reach
    identity: OwnIdentity
    registering: Registering
    rotation: Rotation
    telling: Telling
    enrolment: Enrolment
    site_files: SiteFiles
