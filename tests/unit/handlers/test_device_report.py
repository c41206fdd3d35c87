"""The device report: live by the registry's checks, or from a file."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from keyin.domain.errors import HandlerFailed
from keyin.handlers.device_report import FileDeviceReporter, LiveDeviceReporter, this_os
from keyin.handlers.host import RealSystem
from keyin.handlers.memory import Key, MemoryGSettings, MemoryPrograms, MemorySystem
from tests.shared_data import GPII_DATA, needs_shared

OS: dict[str, Any] = {"id": "linux", "version": "6.1"}
FILE = Path("/etc/report.json")


def package(name: str) -> dict[str, str]:
    return {"type": "gpii.packageKit.find", "name": name}


def registry(**checks: list[dict[str, str]] | None) -> dict[str, dict[str, Any]]:
    return {
        name: {"name": name} if listed is None else {"isInstalled": listed}
        for name, listed in checks.items()
    }


async def test_the_first_check_that_holds_reports_a_solution() -> None:
    system = MemorySystem(
        programs=MemoryPrograms({"dpkg-query": "ii alsa\nrc orca\nii nautilus\n", "reader": ""}),
        gsettings=MemoryGSettings({"org.there": {"a": Key(kind="b")}}),
    )
    reporter = LiveDeviceReporter(
        system,
        registry(
            either=[package("alsa-lib"), package("alsa")],
            removed=[package("orca")],
            always=[{"type": "gpii.deviceReporter.alwaysInstalled"}],
            unchecked=None,
            command=[{"type": "keyin.commandExists", "name": "reader"}],
            no_command=[{"type": "keyin.commandExists", "name": "writer"}],
            schema=[{"type": "keyin.gsettingsSchemaExists", "schema": "org.there"}],
            no_schema=[{"type": "keyin.gsettingsSchemaExists", "schema": "org.gone"}],
            windows=[{"type": "gpii.deviceReporter.registryKeyExists"}],
            part=[package("naut")],
        ),
        os=OS,
    )
    expected = [{"id": name} for name in ("either", "always", "command", "schema")]
    assert await reporter.report() == {"OS": OS, "solutions": expected}
    await reporter.report()
    assert len(system.programs.asked) == 1


async def test_packages_of_rpm_count_where_there_is_no_dpkg() -> None:
    system = MemorySystem(programs=MemoryPrograms({"rpm": "alsa-lib\nbash\n"}))
    reporter = LiveDeviceReporter(system, registry(a=[package("alsa-lib")]), os=OS)
    assert (await reporter.report())["solutions"] == [{"id": "a"}]


async def test_without_a_package_manager_no_package_is_installed() -> None:
    reporter = LiveDeviceReporter(MemorySystem(), registry(a=[package("alsa")]), os=OS)
    assert (await reporter.report())["solutions"] == []


async def test_this_computer_reports_what_it_has() -> None:
    system = RealSystem()
    checks = registry(
        sh=[{"type": "keyin.commandExists", "name": "sh"}],
        nothing=[package("no-such-package"), {"type": "keyin.commandExists", "name": "no-such"}],
    )
    reporter = LiveDeviceReporter(system, checks, os=this_os())
    report = await reporter.report()
    system.close()
    assert report["solutions"] == [{"id": "sh"}]
    assert this_os()["id"] == "linux"
    assert str(this_os()["version"]).startswith(platform.release().split("_")[0])


async def from_file(content: bytes | None) -> Any:
    system = MemorySystem()
    if content is not None:
        system.files.content[FILE] = content
    return await FileDeviceReporter(system, FILE, os=OS).report()


async def test_a_file_holds_a_list_or_a_whole_report() -> None:
    whole = {"OS": {"id": "win32", "version": "10"}, "solutions": [{"id": "b", "version": "1"}]}
    assert await from_file(b'[{"id": "a"}]') == {"OS": OS, "solutions": [{"id": "a"}]}
    assert await from_file(b"[]") == {"OS": OS, "solutions": []}
    assert await from_file(json.dumps(whole).encode()) == whole
    assert await from_file(b'{"solutions": []}') == {"OS": OS, "solutions": []}


@needs_shared
async def test_the_originals_sample_report_is_read() -> None:
    raw = (GPII_DATA / "deviceReporter" / "installedSolutions.json").read_bytes()
    assert {"id": "org.gnome.orca"} in (await from_file(raw))["solutions"]


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"{",
        b"5",
        b"null",
        b'"a"',
        b'["a"]',
        b'[{"name": "a"}]',
        b'[{"id": 1}]',
        b"{}",
        b'{"OS": 1, "solutions": []}',
        b'{"OS": {"id": 1}, "solutions": []}',
        b"[" * 99_999,
    ],
    ids=range(13),
)
async def test_any_other_file_is_refused_with_the_next_step(content: bytes | None) -> None:
    with pytest.raises(HandlerFailed) as failed:
        await from_file(content)
    assert str(FILE) in str(failed.value)
    assert failed.value.next_step
