"""`keyin demo`: one whole key-in through three real processes, told in plain language.

Everything is thrown away afterwards: folder, ports, key and credential are made for one run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from keyin.cli.demo_world import (
    EXPECTED,
    PACKAGE_DATA,
    World,
    configure_requester,
    enrol,
    make,
    private_half,
)
from keyin.cli.exits import FAILED, errors_for_people
from keyin.cli.processes import Started, cloud_started, run, started
from keyin.cli.texts import _
from keyin.domain.errors import KeyinError

if TYPE_CHECKING:
    from collections.abc import Iterator

JUDGE: Final = Path(__file__).with_name("demo_judge.py")


class Teller(msgspec.Struct):
    """Tells a person what happens; keeps the facts for `--json`."""

    silent: bool
    facts: dict[str, Any] = msgspec.field(default_factory=dict)
    began: float = msgspec.field(default_factory=time.monotonic)

    def say(self, line: str) -> None:
        """Print one line, unless a script is listening."""
        if not self.silent:
            click.echo(line)

    def step(self, number: int, text: str) -> None:
        """Begin a new step."""
        self.say(f"\n{number}. {text}")

    def check(self, name: str, text: str, *, holds: bool) -> None:
        """Say and remember whether something is true."""
        self.facts.setdefault("checks", {})[name] = holds
        self.say(f"   [{_('yes') if holds else _('NO')}] {text}")

    @property
    def all_true(self) -> bool:
        """Whether every check held."""
        return all(self.facts["checks"].values())


class Processes(msgspec.Struct, frozen=True):
    """The three of them."""

    cloud: Started
    requester: Started
    flow_manager: Started

    def __iter__(self) -> Iterator[Started]:
        """Go through them in the order in which they were started."""
        return iter((self.cloud, self.requester, self.flow_manager))


@click.command(
    epilog="""
    \b
    Example:
      keyin demo
    """
)
@click.option("--json", "as_json", is_flag=True, help=_("Say it as one JSON object."))
def demo(*, as_json: bool) -> None:
    """Show one whole key-in: three processes, a sample person, and everything put back."""
    teller = Teller(silent=as_json)
    with errors_for_people(as_json=as_json), tempfile.TemporaryDirectory(prefix="keyin-demo-") as f:
        show(make(Path(f)), teller)
    teller.facts["seconds"] = round(time.monotonic() - teller.began, 1)
    teller.facts["all_true"] = teller.all_true
    if as_json:
        click.echo(msgspec.json.encode(teller.facts).decode())
    elif teller.all_true:
        text = _("All of it was true. (%(seconds)s s)") % {"seconds": teller.facts["seconds"]}
        teller.say("\n" + text)
    else:
        teller.say("\n" + _("Something of it was not true: see the lines marked NO."))
    if not teller.all_true:
        raise SystemExit(FAILED)


def show(world: World, teller: Teller) -> None:
    """Tell the whole story, in order."""
    tell_the_stage(teller)
    with ExitStack() as stack:
        three = start_three(world, teller, stack)
        snapshot = judge("take", world)
        before = world.reader_settings()
        key_in(world, teller)
        during = world.reader_settings()
        key_out(world, teller)
        after = world.reader_settings()
        tell_table(teller, before, during, after)
        tell_checks(world, teller, during, snapshot)
        outputs = [one.output for one in three]
    tell_silence(world, teller, outputs)
    codes = [one.process.returncode for one in three]
    teller.check("ended", _("all three processes ended cleanly"), holds=codes == [0, 0, 0])


def tell_the_stage(teller: Teller) -> None:
    """Say who is who."""
    teller.say(_("Amina tires quickly when she reads. She carries a key, not a list of settings."))
    teller.say(_("She sits down at desk 3 of a library, which she has never seen before."))
    teller.say(_("Keys, folder and ports of this demonstration are made for it alone."))


def start_three(world: World, teller: Teller, stack: ExitStack) -> Processes:
    """Start cloud, access requester and flow manager, and say what each holds."""
    teller.step(1, _("Three processes start."))
    enrol(world)
    cloud = stack.enter_context(cloud_started("--data", world.cloud_data))
    configuration = configure_requester(world, cloud.url)
    requester = stack.enter_context(started("requester", "serve", "--config", configuration))
    socket = requester.url.removeprefix("unix:")
    flow_manager = stack.enter_context(
        started(
            *("flow-manager", "serve", "--cloud", cloud.url, "--requester", socket),
            *("--device-report", world.device_report, "--solutions", PACKAGE_DATA / "solutions"),
            environment=world.environment(),
        )
    )
    three = Processes(cloud, requester, flow_manager)
    for text, process in (
        (_("the cloud (process %(pid)s) keeps preferences, encrypted"), cloud),
        (_("the access requester (process %(pid)s) holds this computer's private key"), requester),
        (
            _("the flow manager (process %(pid)s) changes settings, and puts them back"),
            flow_manager,
        ),
    ):
        teller.say("   - " + text % {"pid": process.process.pid})
    teller.say(_("   In a library the access requester has an account of its own; here all three"))
    teller.say(_("   share yours, because a demonstration makes no accounts."))
    return three


def key_in(world: World, teller: Teller) -> None:
    """Key in through the command line, the key on standard input."""
    teller.step(2, _("Amina keys in."))
    ask(world, "login", "-", "--json", stdin=world.key.reveal())
    for line in (
        _("flow manager -> access requester:  Amina's key, and a proof by a key of its own"),
        _("access requester -> cloud:         both, signed with this computer's private key"),
        _("cloud -> access requester:         an access token, good for 15 minutes and that proof"),
        _("access requester -> flow manager:  the token, never the private key"),
        _("flow manager -> cloud:             token and proof, and which programs are here"),
        _("cloud -> flow manager:             what these programs should become, nothing else"),
    ):
        teller.say("   " + line)
    teller.say(_("   Each setting is written to a journal before it is changed."))


def key_out(world: World, teller: Teller) -> None:
    """Key out through the command line."""
    teller.step(3, _("Amina keys out. The token is ended, the settings go back."))
    ask(world, "logout", "--json")


def ask(world: World, *arguments: str, stdin: str = "") -> None:
    """Run a verb of the visitor's account. Raises KeyinError with what it said."""
    done = run(*arguments, environment=world.environment(), stdin=stdin)
    if done.returncode:
        raise KeyinError(
            "keyin %(verb)s failed: %(output)s", verb=arguments[0], output=done.stderr.strip()
        )


def tell_table(
    teller: Teller, before: dict[str, Any], during: dict[str, Any], after: dict[str, Any]
) -> None:
    """Show the settings before, during and after."""
    teller.facts["settings"] = {"before": before, "during": during, "after": after}
    rows = [[_("setting"), _("before"), _("during"), _("after")]]
    rows += [[name, *(str(seen[name]) for seen in (before, during, after))] for name in EXPECTED]
    teller.step(4, _("The reading program's settings:"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        teller.say("   " + "   ".join(cells).rstrip())


def tell_checks(world: World, teller: Teller, during: dict[str, Any], snapshot: str) -> None:
    """Prove it: the settings were hers, and everything is back."""
    teller.step(5, _("Was it so?"))
    teller.check(
        "applied",
        _("while she was keyed in, the program was as she needs it"),
        holds=during == EXPECTED,
    )
    different = msgspec.json.decode(judge("compare", world, stdin=snapshot), type=list[str])
    teller.facts["not_as_before"] = different
    teller.check(
        "restored",
        _("a separate program, knowing only a snapshot from before, finds every file as it was"),
        holds=not different,
    )


def tell_silence(world: World, teller: Teller, outputs: list[str]) -> None:
    """Check that nothing which must stay secret was printed by any process."""
    printed = "".join(outputs)
    secret = (world.key.reveal(), private_half(world), "yellow on black")
    teller.check(
        "silent",
        _("no process printed the key, the private key or a setting"),
        holds=not any(each in printed for each in secret),
    )


def judge(verb: str, world: World, *, stdin: str = "") -> str:
    """Ask the separate program; it gets the folder and the snapshot, and nothing of keyin."""
    done = subprocess.run(  # noqa: S603 - our own program, no shell
        [sys.executable, "-I", str(JUDGE), verb, str(world.home)],
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=30,
        env={},
    )
    if done.returncode not in {0, 1}:
        raise KeyinError("the separate program failed: %(output)s", output=done.stderr)
    return done.stdout
