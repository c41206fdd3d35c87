"""All pages together: which answers what, and what is said where one fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from keyin.pages.adding import Adding
from keyin.pages.answers import HSTS, style_sheet
from keyin.pages.approving import Approving
from keyin.pages.computer_acts import ComputerActs
from keyin.pages.computer_edit import ComputerEdit
from keyin.pages.computers import Computers
from keyin.pages.desk import Desk
from keyin.pages.devices import Devices
from keyin.pages.file_acts import FileActs
from keyin.pages.files import Files
from keyin.pages.guard import Guard
from keyin.pages.own_email import OwnEmailPage
from keyin.pages.own_password import OwnPasswordPage
from keyin.pages.own_second_step import OwnSecondStep
from keyin.pages.results import Results
from keyin.pages.seals import ACCOUNT, Seals
from keyin.pages.second_step import SecondStep
from keyin.pages.signing_in import SigningIn
from keyin.pages.texts import Trouble
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.oauth.page_services import PageServices
    from keyin.wire.pages import PageRequest

Handler = Callable[["PageRequest"], Awaitable[Page]]
UNAVAILABLE: Final = 503
TOO_LARGE: Final = 413
BAD_REQUEST: Final = 400


class Site:
    """Implements `wire.pages.Pages`."""

    def __init__(self, desk: Desk, *, secure: bool) -> None:
        self._desk = desk
        self._more = (HSTS,) if secure else ()
        second, approving = SecondStep(desk), Approving(desk)
        signing_in = SigningIn(desk, second)
        self._style = style_sheet(files("keyin.pages").joinpath("static/keyin.css").read_bytes())
        self._pages: Mapping[tuple[str, str], Handler] = {
            ("GET", "/login"): signing_in.show,
            ("POST", "/login"): signing_in.take,
            ("POST", "/login/code"): second.take,
            ("GET", "/logout"): signing_in.left,
            ("POST", "/logout"): signing_in.leave,
            ("GET", "/account"): self._account,
            ("GET", "/oauth2/authorize"): approving.begin,
            ("GET", "/oauth2/authorize/question"): approving.again,
            ("POST", "/oauth2/authorize/decision"): approving.decide,
            ("GET", "/static/keyin.css"): self._style_sheet,
            **_own(desk),
            **_managing(desk),
            **_devices(desk),
        }

    @classmethod
    def open(cls, services: PageServices) -> Self:
        """Put the pages of one issuer together."""
        issuer = urlsplit(services.issuer)
        guard = Guard(
            origin=f"{issuer.scheme}://{issuer.netloc}",
            peppers=services.peppers,
            entropy=services.entropy,
        )
        desk = Desk(services=services, guard=guard, seals=Seals(services.peppers))
        return cls(desk, secure=issuer.scheme == "https")

    async def answer(self, request: PageRequest) -> Page:
        """See wire.pages.Pages."""
        return self._with_more(await self._pages[request.method, request.path](request))

    def failed(self, request: PageRequest, status: int) -> Page:
        """See wire.pages.Pages."""
        trouble = {UNAVAILABLE: Trouble.UNAVAILABLE}.get(status, Trouble.INTERNAL)
        if BAD_REQUEST <= status < 500:  # noqa: PLR2004 - HTTP's classes
            trouble = Trouble.REQUEST
        return self._with_more(self._desk.trouble(trouble, request, None))

    def _with_more(self, page: Page) -> Page:
        return Page(
            status=page.status,
            headers=(*page.headers, *self._more),
            body=page.body,
            reason=page.reason,
        )

    async def _account(self, request: PageRequest) -> Page:
        who = await self._desk.who(request)
        if who is None:
            return self._desk.to_sign_in(ACCOUNT)
        return self._desk.shown("account", request, who, here="account", email=who.account.email)

    async def _style_sheet(self, _request: PageRequest) -> Page:
        return self._style


def _own(desk: Desk) -> Mapping[tuple[str, str], Handler]:
    """Return the pages where people say how they sign in."""
    own = OwnSecondStep(desk=desk, steps=desk.services.steps)
    password = OwnPasswordPage(desk=desk, own=desk.services.own)
    email = OwnEmailPage(desk=desk, own=desk.services.own)
    return {
        ("GET", "/account/password"): password.show,
        ("POST", "/account/password"): password.take,
        ("GET", "/account/email"): email.show,
        ("POST", "/account/email"): email.take,
        ("GET", "/account/second-step"): own.show,
        ("POST", "/account/second-step"): own.begin,
        ("GET", "/account/second-step/new"): own.ask,
        ("POST", "/account/second-step/new"): own.confirm,
        ("GET", "/account/second-step/picture"): own.picture,
        ("POST", "/account/second-step/off"): own.end,
    }


def _managing(desk: Desk) -> Mapping[tuple[str, str], Handler]:
    """Return the pages where people look after their computers."""
    services = desk.services
    managing, managed = services.managing, services.files
    computers = Computers(desk=desk, managing=managing, notices=services.notices)
    acts = ComputerActs(desk=desk, computers=computers, managing=managing)
    edit = ComputerEdit(desk=desk, computers=computers, managing=managing)
    adding = Adding(desk=desk, managing=managing, access=services.access)
    files = Files(
        desk=desk,
        managing=managing,
        managed=managed,
        access=services.access,
        signing=services.signing,
    )
    file_acts = FileActs(desk=desk, files=files, managed=managed)
    computer, file = "/manage/installations/{id}", "/manage/initial-access-tokens/{id}"
    return {
        ("GET", "/enrolled"): Results(desk).show,
        ("GET", "/manage/installations"): computers.show,
        ("GET", "/manage/installations/new"): adding.show,
        ("GET", computer): computers.one,
        ("GET", f"{computer}/edit"): edit.ask,
        ("POST", f"{computer}/edit"): edit.take,
        ("GET", f"{computer}/suspend"): acts.ask_suspend,
        ("POST", f"{computer}/suspend"): acts.suspend,
        ("GET", f"{computer}/revoke"): acts.ask_revoke,
        ("POST", f"{computer}/revoke"): acts.revoke,
        ("POST", f"{computer}/resume"): acts.resume,
        ("POST", f"{computer}/approve"): acts.approve,
        ("POST", "/manage/notices"): computers.read,
        ("GET", "/manage/enrolment-codes/new"): adding.ask,
        ("POST", "/manage/enrolment-codes"): adding.make,
        ("GET", "/manage/initial-access-tokens"): files.show,
        ("POST", "/manage/initial-access-tokens"): files.make,
        ("GET", "/manage/initial-access-tokens/new"): files.ask,
        ("GET", file): files.one,
        ("GET", f"{file}/revoke"): file_acts.ask,
        ("POST", f"{file}/revoke"): file_acts.end,
    }


def _devices(desk: Desk) -> Mapping[tuple[str, str], Handler]:
    """Return the pages of the device grant, where it is switched on."""
    if desk.services.devices is None:
        return {}
    devices = Devices(desk, desk.services.devices)
    return {
        ("GET", "/device"): devices.show,
        ("POST", "/device"): devices.look_up,
        ("POST", "/device/decision"): devices.decide,
    }
