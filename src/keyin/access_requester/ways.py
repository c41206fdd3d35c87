"""All that one computer enrols with, put together once for whoever uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyin.access_requester.enrolment import Enrolment
    from keyin.access_requester.own_identity import OwnIdentity
    from keyin.access_requester.reach import Reach
    from keyin.access_requester.registering import Registering
    from keyin.access_requester.rotation import Rotation
    from keyin.access_requester.site_file import SiteFiles
    from keyin.access_requester.telling import Telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """One of each."""

    reach: Reach
    identity: OwnIdentity
    registering: Registering
    rotation: Rotation
    telling: Telling
    enrolment: Enrolment
    site_files: SiteFiles
