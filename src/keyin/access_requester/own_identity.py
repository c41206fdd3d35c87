"""Who this computer is: what lies on its disk, looked at with the eyes of this very computer.

An identity that was made on another system is a copy and is not used (P49); one that is for another
cloud stays where it is, and is not used either.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keyin.access_requester.reach import usable
from keyin.domain.errors import ConfigurationError
from keyin.domain.identity import Identity, Situation, is_copy, is_for
from keyin.stores.identity_files import IdentityFiles
from keyin.stores.machine import Machine
from keyin.wire.requester import ErrorCode, refusal

if TYPE_CHECKING:
    from keyin.access_requester.reach import Reach
    from keyin.domain.installation import InstallationCredential
    from keyin.stores.credential_file import CredentialFile


class OwnIdentity:
    """Implements `ports.CredentialSource` as `credential`."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    @property
    def files(self) -> IdentityFiles:
        """Return where identities lie."""
        return IdentityFiles(Path(self._reach.config.credential))

    @property
    def machine(self) -> Machine:
        """Return what tells this computer from its copies."""
        section = self._reach.config.enrolment
        return Machine(Path(section.machine_id), Path(section.boot_id))

    @property
    def installation_id(self) -> str | None:
        """Return this system's id, None where it has none."""
        try:
            return self.machine.installation_id()
        except ConfigurationError:
            return None

    def credential(self) -> InstallationCredential | None:
        """Return what this computer proves itself with, None while it has nothing.

        Raises ConfigurationError where that is not safe, and Refused (`copied_identity`,
        `other_cloud`) where it is not this computer's, or not for this cloud.
        """
        found = self.files.held()
        if found is None or found.client_id is None:
            return None
        identity = seen(found)
        if is_copy(identity, self.installation_id):
            raise refusal(ErrorCode.COPIED_IDENTITY)
        if not is_for(identity, self._reach.issuer):
            raise refusal(ErrorCode.OTHER_CLOUD)
        return usable(found, self._reach.address)

    def situation(self, *, shown: bool, told: bool, refused: bool, hopeless: bool) -> Situation:
        """Return all that decides about the next step. Raises ConfigurationError."""
        files, site_file = self.files, self._reach.config.enrolment.file
        held, coming, mark = files.held(), files.coming(), files.sealed()
        asking = files.asking()
        registered = held is not None and held.registered is not None
        return Situation(
            cloud=self._reach.issuer,
            installation_id=self.installation_id,
            held=None if held is None or held.client_id is None else seen(held),
            coming=None if coming is None else seen(coming),
            asking=None if asking is None else seen(asking),
            sealed=mark is not None and mark.boot == self.machine.boot(),
            site_file=site_file is not None and Path(site_file).exists(),
            shown=shown or not registered,
            told=told,
            refused=refused,
            hopeless=hopeless,
        )


def seen(found: CredentialFile) -> Identity:
    """Return what matters of an identity."""
    registered, asking = found.registered, found.asking
    if asking is not None:
        return Identity(cloud=asking.cloud, installation_id=asking.installation_id)
    if registered is None:
        return Identity(cloud=None, installation_id=None)
    return Identity(
        cloud=registered.cloud,
        installation_id=registered.installation_id,
        half_changed=found.next_key is not None or found.previous_key is not None,
        awaiting=registered.awaiting,
        can_come_back=registered.certificate is not None,
    )
