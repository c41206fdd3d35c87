"""A caller's own key, as a flow manager has one, for tests that speak to the requester by hand."""

from __future__ import annotations

from typing import Any

from keyin.session.sender import Sender, Senders
from keyin.stores.host import SystemClock, SystemEntropy


def new_sender(like: Sender | None = None) -> Sender:
    """Make the key of one key-in; it knows the nonce that the other one knows."""
    senders = Senders(clock=SystemClock(), entropy=SystemEntropy())
    senders.nonce = None if like is None else like._senders.nonce
    return senders.passing()


def proven(sender: Sender, cloud: str) -> dict[str, Any]:
    """Return what a `token` request says of its sender."""
    proof = sender.proof("POST", cloud + "/oauth2/token")
    return {"dpop_jkt": sender.jkt, "dpop_proof": proof}
