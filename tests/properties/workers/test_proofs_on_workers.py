"""`/oauth2/token` with two workers on one database: a proof is used up for both of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import postgres
from tests.cloud_documents import everything
from tests.cloud_process import import_documents
from tests.oauth_client import Computer, registered
from tests.properties.cloud.test_oauth_token import (
    cloud,
    desk,
    test_p11_a_bound_token_is_refused_without_its_own_fresh_proof,
    test_p11_without_our_nonce_a_proof_is_sent_back,
    test_p12_an_assertion_works_once_over_a_restart,
    test_p13_what_came_with_a_refused_request_is_used_up,
    test_p14_a_key_becomes_a_short_bound_token_that_cannot_be_refreshed,
    test_p57_failed_client_authentication_has_one_answer,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "cloud",
    "desk",
    "test_p11_a_bound_token_is_refused_without_its_own_fresh_proof",
    "test_p11_without_our_nonce_a_proof_is_sent_back",
    "test_p12_an_assertion_works_once_over_a_restart",
    "test_p13_what_came_with_a_refused_request_is_used_up",
    "test_p14_a_key_becomes_a_short_bound_token_that_cannot_be_refreshed",
    "test_p57_failed_client_authentication_has_one_answer",
]
pytestmark = postgres.needs_postgres


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Computer, Computer]:
    data = postgres.shared(tmp_path_factory.mktemp("oauth") / "data")
    import_documents(data, everything())
    return data, registered(data, "--site", "Main hall"), registered(data)
