"""Registering with two workers on one database: the tests of one process on SQLite (P47)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import postgres
from tests.cloud_documents import everything
from tests.cloud_process import import_documents
from tests.properties.cloud.test_registration import (
    cloud,
    test_a_code_that_two_had_ends_what_it_made,
    test_a_computer_registers_proves_itself_and_asks,
    test_an_answer_that_was_lost_is_given_again_to_the_same_key,
    test_one_name_is_one_computer_in_an_account,
    test_p46_the_key_that_is_registered_has_to_be_in_hand,
    test_p47_of_a_hundred_at_once_exactly_as_many_as_may,
)
from tests.properties.cloud.test_registration_care import (
    test_a_key_is_changed_with_both_in_force_for_a_while,
    test_a_stopped_client_does_not_wake_itself,
    test_p34_a_file_is_revoked_with_all_that_it_made,
    test_who_leaves_is_gone_with_key_and_tokens,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "cloud",
    "test_a_code_that_two_had_ends_what_it_made",
    "test_a_computer_registers_proves_itself_and_asks",
    "test_a_key_is_changed_with_both_in_force_for_a_while",
    "test_a_stopped_client_does_not_wake_itself",
    "test_an_answer_that_was_lost_is_given_again_to_the_same_key",
    "test_one_name_is_one_computer_in_an_account",
    "test_p34_a_file_is_revoked_with_all_that_it_made",
    "test_p46_the_key_that_is_registered_has_to_be_in_hand",
    "test_p47_of_a_hundred_at_once_exactly_as_many_as_may",
    "test_who_leaves_is_gone_with_key_and_tokens",
]
pytestmark = postgres.needs_postgres


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = postgres.shared(tmp_path_factory.mktemp("registering") / "data")
    import_documents(folder, everything())
    return folder
