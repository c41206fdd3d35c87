"""What the pages are given: the services behind them, and whose pages they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy
    from keyin.oauth.authorization import AuthorizationEndpoint
    from keyin.oauth.device import DevicePage
    from keyin.oauth.ports import Peppers
    from keyin.oauth.sign_in import SignIn


@dataclass(frozen=True, slots=True, kw_only=True)
class PageServices:
    """See above."""

    issuer: str
    """Without a slash at its end; its origin is that of every page."""
    sign_in: SignIn
    authorization: AuthorizationEndpoint
    devices: DevicePage | None
    """None: the device grant is switched off."""
    peppers: Peppers
    entropy: Entropy
