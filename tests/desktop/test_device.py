"""The live device report with the package's own registry on a computer that has the schemas."""

from __future__ import annotations

import pytest

from keyin.handlers.device_report import LiveDeviceReporter, this_os
from keyin.handlers.host import RealSystem
from keyin.stores.solutions_files import PACKAGED, read_registry
from tests.desktop.private import needs_desktop


@pytest.mark.desktop
@needs_desktop
async def test_the_schemas_of_this_computer_are_found() -> None:
    system = RealSystem()
    reporter = LiveDeviceReporter(system, read_registry([PACKAGED], "linux"), os=this_os())
    solutions = (await reporter.report())["solutions"]
    system.close()
    assert isinstance(solutions, list)
    assert {"id": "org.gnome.desktop.interface"} in solutions
    assert {"id": "org.gnome.desktop.a11y.keyboard"} in solutions
    assert {"id": "net.keyin.sample.reader"} not in solutions
