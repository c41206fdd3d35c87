"""P3 with two workers on one database: the tests of one process on SQLite, at a store they share.

A request goes to whichever worker is first to take it, so that what one took back the other, which
has answered for it a moment before, has to refuse too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import postgres
from tests.cloud_documents import everything
from tests.cloud_documents import key as key_document
from tests.cloud_documents import safe as safe_document
from tests.cloud_process import import_documents
from tests.properties.cloud.test_p03_revocation import (
    cloud,
    test_p03_a_client_ends_at_its_next_use,
    test_p03_a_client_key_ends_at_its_next_use,
    test_p03_a_gpii_key_ends_at_its_next_use,
    test_p03_a_site_ends_at_its_next_use,
    test_p03_a_token_ends_at_its_next_use,
    test_p03_a_version_of_the_software_ends_at_its_next_use,
    test_p03_an_old_client_and_its_bearer_token_end_at_their_next_use,
    test_p03_one_of_two_client_keys_ends_and_the_other_gets_new_tokens,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "cloud",
    "test_p03_a_client_ends_at_its_next_use",
    "test_p03_a_client_key_ends_at_its_next_use",
    "test_p03_a_gpii_key_ends_at_its_next_use",
    "test_p03_a_site_ends_at_its_next_use",
    "test_p03_a_token_ends_at_its_next_use",
    "test_p03_a_version_of_the_software_ends_at_its_next_use",
    "test_p03_an_old_client_and_its_bearer_token_end_at_their_next_use",
    "test_p03_one_of_two_client_keys_ends_and_the_other_gets_new_tokens",
]
pytestmark = postgres.needs_postgres


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = postgres.shared(tmp_path_factory.mktemp("p03") / "data")
    import_documents(folder, [*everything(), key_document("lost"), safe_document("lost")])
    return folder
