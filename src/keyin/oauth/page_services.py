"""What the pages are given: the services behind them, and whose pages they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy
    from keyin.oauth.authorization import AuthorizationEndpoint
    from keyin.oauth.computer_approval import ComputerApproval
    from keyin.oauth.device import DevicePage
    from keyin.oauth.initial_access import InitialAccessService
    from keyin.oauth.managed_files import ManagedFiles
    from keyin.oauth.managing import Managing
    from keyin.oauth.notice_ports import Notices
    from keyin.oauth.own_account import OwnAccount
    from keyin.oauth.ports import Peppers
    from keyin.oauth.second_factor import Rule, SecondSteps
    from keyin.oauth.sign_in import SignIn
    from keyin.wire.enrolment_file import Signs


class PageServices(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    issuer: str
    """Without a slash at its end; its origin is that of every page."""
    sign_in: SignIn
    authorization: AuthorizationEndpoint
    computers: ComputerApproval
    devices: DevicePage | None
    """None: the device grant is switched off."""
    managing: Managing
    files: ManagedFiles
    access: InitialAccessService
    notices: Notices
    own: OwnAccount
    steps: SecondSteps
    rule: Rule
    """Of whom a second step is asked before something is given away or ended."""
    signing: Signs | None
    """Signs enrolment files; None: none can be made here."""
    peppers: Peppers
    entropy: Entropy
