"""What a computer does next (`domain.identity`): for every situation, and what never happens."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keyin.domain.identity import Identity, Situation, Step, is_copy, is_for, next_step, pause
from keyin.domain.installation import installation_id

HERE, THERE = installation_id("a" * 32), installation_id("b" * 32)
CLOUD = "https://cloud.example"
QUIET = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=400)

identities = st.builds(
    Identity,
    cloud=st.sampled_from([None, CLOUD, "https://other.example"]),
    installation_id=st.sampled_from([None, HERE, THERE]),
    half_changed=st.booleans(),
    awaiting=st.booleans(),
    can_come_back=st.booleans(),
)
situations = st.builds(
    Situation,
    cloud=st.sampled_from([None, CLOUD]),
    installation_id=st.sampled_from([None, HERE]),
    held=st.none() | identities,
    coming=st.none() | identities,
    asking=st.none() | identities,
    sealed=st.booleans(),
    site_file=st.booleans(),
    shown=st.booleans(),
    told=st.booleans(),
    refused=st.booleans(),
    hopeless=st.booleans(),
)
MINE = Identity(cloud=CLOUD, installation_id=HERE, can_come_back=True)
WELL = Situation(cloud=CLOUD, installation_id=HERE, held=MINE, coming=None)


def test_each_rule_once() -> None:
    assert next_step(WELL) is Step.REST
    assert next_step(replace(WELL, shown=False)) is Step.SHOW
    for refused in (True, False):
        untold = replace(WELL, told=False, shown=False, refused=refused)
        assert next_step(untold) is Step.TELL_SOFTWARE
    assert next_step(replace(WELL, refused=True)) is Step.COME_BACK
    assert next_step(replace(WELL, refused=True, hopeless=True)) is Step.REST
    assert next_step(replace(WELL, held=replace(MINE, half_changed=True))) is Step.FINISH_KEY
    assert next_step(replace(WELL, coming=MINE)) is Step.PROVE_NEW
    awaiting = replace(MINE, awaiting=True)
    assert next_step(replace(WELL, coming=awaiting)) is Step.ASK_WHETHER_APPROVED
    asking = Identity(cloud=CLOUD, installation_id=HERE)
    for held in (None, MINE):
        assert next_step(replace(WELL, held=held, asking=asking)) is Step.ASK_AGAIN
    assert next_step(replace(WELL, asking=asking, coming=awaiting)) is Step.ASK_AGAIN
    assert next_step(replace(WELL, asking=replace(asking, cloud="https://other.example"))) is (
        Step.REST
    )
    assert next_step(replace(WELL, asking=replace(asking, installation_id=THERE))) is (
        Step.DROP_ASKED
    )
    copied = replace(MINE, installation_id=THERE)
    assert next_step(replace(WELL, coming=copied)) is Step.DROP_NEW
    assert next_step(replace(WELL, held=copied)) is Step.REST
    assert next_step(replace(WELL, held=copied, site_file=True)) is Step.USE_FILE
    assert next_step(replace(WELL, held=None, site_file=True)) is Step.USE_FILE
    assert next_step(replace(WELL, held=None)) is Step.REST
    assert next_step(replace(WELL, site_file=True)) is Step.REMOVE_FILE
    assert next_step(replace(WELL, held=replace(MINE, cloud=None), site_file=True)) is Step.REST


@QUIET
@given(situations)
def test_a_copy_is_never_shown_to_the_cloud(situation: Situation) -> None:
    step = next_step(situation)
    held, coming = situation.held, situation.coming
    if held is not None and is_copy(held, situation.installation_id):
        assert step not in {Step.SHOW, Step.TELL_SOFTWARE, Step.FINISH_KEY, Step.COME_BACK}
    if coming is not None and is_copy(coming, situation.installation_id):
        assert step not in {Step.PROVE_NEW, Step.ASK_WHETHER_APPROVED}
    asking = situation.asking
    if asking is not None and is_copy(asking, situation.installation_id):
        assert step is not Step.ASK_AGAIN


@QUIET
@given(situations)
def test_a_computer_that_was_refused_never_enrols_itself_with_the_file(
    situation: Situation,
) -> None:
    """Else what its owner revoked would be back in a minute."""
    held = situation.held
    if next_step(situation) is Step.USE_FILE:
        assert held is None or is_copy(held, situation.installation_id)


@QUIET
@given(situations)
def test_a_file_is_removed_by_nobody_who_could_still_want_it(situation: Situation) -> None:
    held = situation.held
    if next_step(situation) is Step.REMOVE_FILE:
        assert held is not None
        assert not is_copy(held, situation.installation_id)
        assert (held.cloud, situation.shown, situation.refused) == (situation.cloud, True, False)
        assert (situation.sealed, situation.coming, held.half_changed) == (False, None, False)


@QUIET
@given(situations)
def test_a_sealed_computer_does_nothing_until_it_is_started_anew(situation: Situation) -> None:
    assert next_step(replace(situation, sealed=True)) is Step.REST


@QUIET
@given(situations)
def test_an_identity_for_another_cloud_is_left_alone(situation: Situation) -> None:
    held = situation.held
    if held is not None and not is_for(held, situation.cloud) and situation.coming is None:
        alone = replace(situation, asking=None)
        assert next_step(alone) in {Step.REST, Step.USE_FILE}


@QUIET
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_pauses_grow_to_an_hour_and_are_never_short(failures: int, chance: int) -> None:
    seconds = pause(failures, chance)
    assert 3.7 < seconds <= 3600
    assert seconds <= pause(failures + 1, 0)


def test_an_installation_id_is_an_identifier_and_not_the_machine_id() -> None:
    assert HERE != THERE
    assert installation_id("A" * 32 + "\n") == HERE
    assert len(HERE) == 43
    assert "a" * 32 not in HERE
