"""Codes, pushed requests and questions with two workers on one database: each is good once."""

from __future__ import annotations

import pytest

from tests import postgres
from tests.properties.cloud.test_authorization_code import (
    Place,
    cloud,
    test_a_person_lets_an_application_read_their_name,
    test_p07_a_code_is_good_once_and_its_second_use_takes_back_what_the_first_gave,
    test_p07_a_code_of_another_application_is_none_and_stays_as_it_is,
    test_p07_of_many_uses_at_once_at_most_one_is_answered_and_nothing_is_left,
    test_p10_a_pushed_request_is_good_once_and_for_its_own_application,
    test_p10_a_question_is_answered_once,
)

__all__ = [
    "cloud",
    "test_a_person_lets_an_application_read_their_name",
    "test_p07_a_code_is_good_once_and_its_second_use_takes_back_what_the_first_gave",
    "test_p07_a_code_of_another_application_is_none_and_stays_as_it_is",
    "test_p07_of_many_uses_at_once_at_most_one_is_answered_and_nothing_is_left",
    "test_p10_a_pushed_request_is_good_once_and_for_its_own_application",
    "test_p10_a_question_is_answered_once",
]
pytestmark = postgres.needs_postgres


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(postgres.shared(tmp_path_factory.mktemp("code") / "data"))
