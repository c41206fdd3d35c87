"""A whole household for whole-system tests: three real processes, and a mark in every secret.

Cloud (with its operators' listener), access requester and flow manager (with HTTP on loopback) run
on throw-away data, as in `tests.three_processes`; but key and preferences are texts that occur
nowhere else, as the number in the computer's private key does, everything printed is kept, and a
process can be killed and started again. The cloud also knows a computer with a secret, as the
original's have.
"""

from __future__ import annotations

import json
import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.cloud_process import Reply, send
from tests.fakes.sender import new_sender, proven
from tests.properties.requester.asker import converse
from tests.started import Started, run, started
from tests.three_processes import SOLUTION, cloud_and_requester, person, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

    from keyin.session.sender import Sender

COMMON = "http://registry.gpii.net/common"
BEFORE = "as-it-was"


def mark(what: str) -> str:
    """Return a text that nothing else holds; long enough that no chance repeats it."""
    return f"{what}-{secrets.token_hex(10)}"


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What must be found nowhere."""

    key: str = field(default_factory=lambda: mark("key"))
    secret: str = field(default_factory=lambda: mark("secret"))
    """Of a computer of the original's; no process here is given it."""
    language: str = field(default_factory=lambda: mark("language"))
    """A common term's value that this computer's solution takes."""
    note: str = field(default_factory=lambda: mark("note"))
    """An application's own setting."""
    elsewhere: str = field(default_factory=lambda: mark("elsewhere"))
    """A preference that nothing on this computer takes."""
    size: int = field(default_factory=lambda: 10**11 + secrets.randbelow(10**11))
    """A number."""

    def preferences(self) -> dict[str, Any]:
        """Return the marked person's preferences."""
        flat = {
            f"{COMMON}/language": self.language,
            f"{COMMON}/fontSize": self.size,
            f"{COMMON}/pitch": self.elsewhere,
            f"http://registry.gpii.net/applications/{SOLUTION}": {"note": self.note},
        }
        return {"contexts": {"gpii-default": {"name": "Default", "preferences": flat}}}

    def settings(self) -> dict[str, Any]:
        """Return what the solution's file holds while this person is keyed in."""
        return {"language": self.language, "size": self.size, "note": self.note}


REGISTRY: dict[str, Any] = {
    SOLUTION: {
        "name": "Reader",
        "contexts": {"OS": [{"id": "linux"}]},
        "settingsHandlers": {
            "file": {
                "type": "gpii.settingsHandlers.JSONSettingsHandler",
                "liveness": "live",
                "options": {"filename": "${{environment}.XDG_CONFIG_HOME}/reader.json"},
                "supportedSettings": {"size": {}, "language": {}, "note": {}},
                "capabilitiesTransformations": {
                    "size": "http://registry\\.gpii\\.net/common/fontSize",
                    "language": "http://registry\\.gpii\\.net/common/language",
                },
            }
        },
    }
}


@dataclass
class Household:
    """Everything that runs, where it is, and what it has said."""

    folder: Path
    environment: dict[str, str]
    marks: Marks
    cloud: Started
    requester: Started
    requester_socket: Path
    flow_manager: Started
    said: list[str] = field(default_factory=list)
    """What the commands printed that a person ran."""
    sender: Sender = field(default_factory=new_sender)
    """The key that tokens asked for by hand are bound to."""
    _stack: ExitStack = field(default_factory=ExitStack)
    _ever: list[Started] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ever += [self.cloud, self.requester, self.flow_manager]

    @property
    def processes(self) -> dict[str, Started]:
        """The three as they are now, by name."""
        return {
            "cloud": self.cloud,
            "requester": self.requester,
            "flow-manager": self.flow_manager,
        }

    @property
    def printed(self) -> str:
        """All that any process printed, those included that are gone."""
        return "".join([*(one.output for one in self._ever), *self.said])

    @property
    def private(self) -> str:
        """The number that makes the computer's private key."""
        document = json.loads((self.folder / "requester" / "credential.json").read_text())
        return str(document["private_key"]["d"])

    @property
    def reader(self) -> Path:
        """The solution's settings file."""
        return self.folder / "config" / "reader.json"

    def keyin(self, *arguments: str, key: str = "") -> CompletedProcess[str]:
        """Run `keyin ...` as this person; `key` goes in on stdin."""
        done = run(*arguments, environment=self.environment, stdin=key)
        self.said += [done.stdout, done.stderr]
        return done

    def ask_cloud(self, method: str, path: str, *, ops: bool = False, **more: Any) -> Reply:
        """Send the cloud a request."""
        return send(self.cloud.listeners[0 if ops else -1], method, path, **more)

    def ask_requester(self, **request: Any) -> dict[str, Any]:
        """Send the access requester one request by hand; again if the cloud gave a nonce for it."""
        more = proven(self.sender, self.cloud.url) if request["op"] == "token" else {}
        replies = converse(str(self.requester_socket), [{"v": 1, "id": "1", **more, **request}])
        reply: dict[str, Any] = json.loads(replies[-1])
        if reply.get("error") != "use_dpop_nonce":
            return reply
        self.sender.take_nonce(reply["fields"]["nonce"])
        return self.ask_requester(**request)

    def kill_flow_manager(self) -> None:
        """End it as a power cut would."""
        self.flow_manager.kill()

    def start_flow_manager(self) -> None:
        """Start it again with the same files."""
        self.flow_manager = self._stack.enter_context(
            _flow_manager(self.folder, self.cloud.url, self.requester_socket, self.environment)
        )
        self._ever.append(self.flow_manager)


@contextmanager
def household(folder: Path, marks: Marks | None = None) -> Iterator[Household]:
    """Start all three; nobody is keyed in."""
    marks = marks or Marks()
    environment = person(folder)
    (folder / "config" / "reader.json").write_text(json.dumps({"note": BEFORE}))
    with ExitStack() as stack:
        cloud, requester, socket = stack.enter_context(
            cloud_and_requester(
                folder,
                *("--ops-listen", "127.0.0.1:0"),
                *("--audit-copy", folder / "audit.jsonl"),
                key=marks.key,
                secret=marks.secret,
                preferences=marks.preferences(),
                registry=REGISTRY,
            )
        )
        flow_manager = stack.enter_context(_flow_manager(folder, cloud.url, socket, environment))
        yield Household(
            folder=folder,
            environment=environment,
            marks=marks,
            cloud=cloud,
            requester=requester,
            requester_socket=socket,
            flow_manager=flow_manager,
            _stack=stack,
        )


@contextmanager
def _flow_manager(
    folder: Path, cloud: str, socket: Path, environment: dict[str, str]
) -> Iterator[Started]:
    with started(
        *serve(folder, cloud, socket), "--listen", "127.0.0.1:0",
        environment=environment, listeners=2,
    ) as process:  # fmt: skip
        yield process
