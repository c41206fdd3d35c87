"""`docs/protocol/clients.md`: which library was seen to do what, written from what the tests saw.

python -m tests.clients.table    # drives every library and writes the page anew
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.clients import authlib_client, requests_oauthlib_client
from tests.clients.node import HERE, converse
from tests.clients.world import running
from tests.house.sources import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.clients.world import World

PAGE: Final = ROOT / "docs" / "protocol" / "clients.md"
FEATURES: Final = (
    "authorization server metadata",
    "resource metadata",
    "token exchange",
    "client credentials",
    "authorization code, PKCE",
    "authorization code, PKCE, PAR",
    "iss in the answer (RFC 9207)",
    "DPoP nonces",
    "DPoP-bound code",
    "a DPoP-bound token at the resource",
    "private_key_jwt",
    "assertion without typ",
    "client_secret_basic",
    "introspection",
    "revocation",
)
NODE: Final = ("oauth4webapi", "openid-client")
PYTHON: Final = {"authlib": authlib_client, "requests-oauthlib": requests_oauthlib_client}
LIBRARIES: Final = (*NODE, *PYTHON)
_INTRODUCTION: Final = """\
# Clients that were seen to work

Made by the tests: each library below, unchanged, is driven against a started cloud over TLS, with
an authority of the test's own, and a person who signs in and says yes on the real pages. "yes" is
what it was seen to do; "-" is what it does not offer, or was not tried with. To write this page
anew: `python -m tests.clients.table`.

"""
_NOTES: Final = """
- openid-client and oauth4webapi leave the type out of their assertions. An application whose record
  allows that (`--plain-typ`) is taken as it is; an installation sets it with their own
  `modifyAssertion`.
- Authlib's `private_key_jwt` names the token endpoint and lives an hour; it is refused, as every
  assertion that is for more than one issuer and one minute (a test sees to that). Its clients use
  `client_secret_basic`, or assertions of their own.
- The two libraries for Python leave `iss` in the answer to their caller, and know no pushed
  requests and no DPoP.
"""


def drive(library: str, world: World) -> set[str]:
    """Return what the library was seen to do."""
    if library in NODE:
        return set(converse(f"{library}.mjs", world.told, ca=world.ca, visit=world.visit))
    return set(PYTHON[library].run(world))


def version(library: str) -> str:
    """Return the version that the locks name."""
    if library in NODE:
        lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
        return str(lock["packages"][f"node_modules/{library}"]["version"])
    pinned = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{library}==(\S+)", pinned, re.MULTILINE)
    assert found, library
    return found[1]


def page(seen: Mapping[str, set[str]]) -> str:
    """Return the page for what was seen of each library."""
    unknown = set().union(*seen.values()) - set(FEATURES)
    assert not unknown, unknown
    head = ["feature", *(f"{library} {version(library)}" for library in LIBRARIES)]
    rows = [
        [feature, *("yes" if feature in seen[library] else "-" for library in LIBRARIES)]
        for feature in FEATURES
    ]
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return _INTRODUCTION + "\n".join(lines) + "\n" + _NOTES


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as world:
        PAGE.write_text(page({library: drive(library, world) for library in LIBRARIES}), "utf-8")
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
