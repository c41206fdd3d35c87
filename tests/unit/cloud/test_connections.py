"""Who must go where an address has as many connections as it may: the counting alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from keyin.cloud.connections import Connections
from keyin.cloud.metrics import Metrics

MOST = 3


@dataclass(eq=False)
class Held:
    waits: bool = True
    dropped: bool = field(default=False)

    def drop(self) -> None:
        self.dropped = True


def counted(*proxies: str) -> Connections:
    return Connections(most=MOST, proxies=proxies, metrics=Metrics())


def entered(connections: Connections, peer: str, *, times: int, waits: bool = True) -> list[Held]:
    made = [Held(waits=waits) for _ in range(times)]
    assert all(connections.enter(one, peer) for one in made)
    return made


def test_the_oldest_that_waits_for_its_client_goes_for_a_new_one() -> None:
    connections = counted()
    first, second, third = entered(connections, "192.0.2.1", times=MOST)
    first.waits = False
    entered(connections, "192.0.2.1", times=1)
    assert (first.dropped, second.dropped, third.dropped) == (False, True, False)
    entered(connections, "192.0.2.1", times=1)
    assert third.dropped


def test_where_all_are_at_work_a_new_one_goes() -> None:
    connections = counted()
    before = entered(connections, "192.0.2.1", times=MOST, waits=False)
    assert not connections.enter(Held(), "192.0.2.1")
    assert not any(one.dropped for one in before)
    connections.leave(before[0], "192.0.2.1")
    assert connections.enter(Held(), "192.0.2.1")


def test_an_address_counts_for_itself_and_its_mapped_form_with_it() -> None:
    connections = counted()
    here = entered(connections, "192.0.2.1", times=MOST)
    entered(connections, "192.0.2.2", times=MOST)
    assert not here[0].dropped
    entered(connections, "::ffff:192.0.2.1", times=1)
    assert here[0].dropped


def test_who_has_a_network_of_ipv6_has_one_address() -> None:
    connections = counted()
    ((one,), *_) = [entered(connections, f"2001:db8::{n}", times=1) for n in range(1, MOST + 1)]
    entered(connections, "2001:db8:0:1::1", times=1)
    assert not one.dropped
    entered(connections, "2001:db8::ffff", times=1)
    assert one.dropped


def test_declared_proxies_are_not_counted() -> None:
    made = entered(counted("10.0.0.0/8"), "10.1.2.3", times=10 * MOST)
    assert not any(one.dropped for one in made)


def test_who_left_is_not_counted_however_often_it_leaves() -> None:
    connections = counted()
    for _ in range(10):
        (one,) = entered(connections, "192.0.2.1", times=1)
        connections.leave(one, "192.0.2.1")
        connections.leave(one, "192.0.2.1")
    before = entered(connections, "192.0.2.1", times=MOST)
    assert not before[0].dropped
