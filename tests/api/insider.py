"""Somebody who may: lets a made-up request get past the door, to what stands behind it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keyin.cloud import routes
from keyin.cloud.routes import Access, Route
from tests.clients.registered import PASSWORD, PERSON, registered
from tests.cloud_documents import FREE, SECRET
from tests.oauth_application import Person, hidden

if TYPE_CHECKING:
    from pathlib import Path

    from schemathesis import Case

    from tests.cloud_process import Cloud

BASIC = "client_secret_basic"
OWN = {"client_id", "client_secret", "client_assertion", "client_assertion_type"}


@dataclass(frozen=True)
class Insider:
    """What opens each kind of door."""

    basic: str
    settings: str
    operations: str
    preferences: str
    """The preferences server's secret."""
    session: str
    form_proof: str
    asking: dict[str, str]
    """Who asks a person, and where the answer goes: without these nothing else is looked at."""

    def admit(self, case: Case[Any], route: Route) -> None:
        """Give the request what its route asks for."""
        match route.access:
            case Access.BEARER:
                case.headers["Authorization"] = f"Bearer {self.settings}"
                if "key" in case.path_parameters:
                    case.path_parameters["key"] = "alice"
            case Access.PREFERENCES:
                case.headers["Authorization"] = f"Bearer {self.preferences}"
            case Access.OTHER_TOKEN:
                case.headers["Authorization"] = f"Bearer {self.operations}"
            case Access.CLIENT:
                self._as_client(case, route)
            case Access.SESSION if route is not routes.SIGN_OUT:
                case.headers["Cookie"] = self.session
                case.headers["Sec-Fetch-Site"] = "same-origin"
                if isinstance(case.body, dict):
                    case.body |= {"form_proof": self.form_proof}
                if route is routes.AUTHORIZE:
                    case.query.pop("request_uri", None)
                    case.query |= self.asking
            case _:
                pass

    def _as_client(self, case: Case[Any], route: Route) -> None:
        if not isinstance(case.body, dict):
            return
        case.body = {name: value for name, value in case.body.items() if name not in OWN}
        if route is routes.TOKEN:
            case.body |= {"client_id": FREE, "client_secret": SECRET, "username": "alice"}
        else:
            case.headers["Authorization"] = self.basic
        if route is routes.PAR:
            case.body |= self.asking


def insider(cloud: Cloud, told: dict[str, Any], preferences: str) -> Insider:
    """Sign in and get a token of each kind."""
    plain = told["plain"]
    basic = "Basic " + b64encode(f"{plain['client_id']}:{plain['secret']}".encode()).decode()
    grant = {"grant_type": "client_credentials"}
    operations = cloud.form("/oauth2/token", grant, {"Authorization": basic}).json["access_token"]
    person = Person(PERSON, PASSWORD)
    person.sign_in(cloud)
    return Insider(
        basic=basic,
        settings=cloud.token("alice", (FREE, SECRET)).json["access_token"],
        operations=operations,
        preferences=preferences,
        session="; ".join(f"{name}={value}" for name, value in person.cookies.items()),
        asking={name: plain[name] for name in ("client_id", "redirect_uri")},
        form_proof=hidden(person.get(cloud, "/account"))["form_proof"],
    )


def prepared(data: Path) -> dict[str, Any]:
    """Fill a store, and switch everything on; return who is registered."""
    (data.parent / "cloud.toml").write_text("device_code = true\n")
    return registered(data)
