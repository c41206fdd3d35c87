"""Pages as answers: the headers that each of them carries, redirects, cookies (P50, P51, P53).

No page loads anything but our one style sheet, runs a script, stands in a frame of another page,
or is kept by anybody. No answer allows another origin to read it.
"""

from __future__ import annotations

from typing import Final

from keyin.wire.pages import Header, Page

HTML: Final[Header] = (b"content-type", b"text/html; charset=utf-8")
CSS: Final[Header] = (b"content-type", b"text/css; charset=utf-8")
POLICY: Final = (
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
STRICT: Final[tuple[Header, ...]] = (
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
"""With `nosniff`, which every answer of the server has."""
_PLAIN: Final = ((b"content-security-policy", POLICY.encode()), *STRICT)
"""Of whatever is no page with a form that leads elsewhere."""
HSTS: Final[Header] = (b"strict-transport-security", b"max-age=31536000")  # one year (P21)
_IN_PATHS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/%")


def page(
    status: int,
    body: bytes,
    *more: Header,
    form_target: str | None = None,
    reason: str | None = None,
    pictures: bool = False,
) -> Page:
    """Return a page; a form on it may lead on to `form_target`, see `form_action`.

    `pictures`: it shows some of our own.
    """
    policy = f"{POLICY} {form_target}" if form_target else POLICY
    policy += "; img-src 'self'" if pictures else ""
    headers = (HTML, (b"content-security-policy", policy.encode()), *STRICT, *more)
    return Page(status=status, headers=headers, body=body, reason=reason)


def see_other(where: str, *more: Header) -> Page:
    """Lead on with a GET, whatever came (303, never 307: RFC 9700 §4.12)."""
    headers = ((b"location", where.encode()), *_PLAIN, *more)
    return Page(status=303, headers=headers, body=b"")


def style_sheet(content: bytes) -> Page:
    """Return the one style sheet."""
    return Page(status=200, headers=(CSS, *_PLAIN), body=content)


def picture(body: bytes) -> Page:
    """Return a picture."""
    return Page(status=200, headers=((b"content-type", b"image/png"), *_PLAIN), body=body)


def attachment(body: bytes, media: str, name: str) -> Page:
    """Return a file to be kept under this name, which is of plain letters (RFC 6266 §4.3)."""
    headers = (
        (b"content-type", media.encode()),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        *_PLAIN,
    )
    return Page(status=200, headers=headers, body=body)


def form_action(redirect_uri: str) -> str | None:
    """Return what the policy must name so that a form may lead to this address, and only there.

    None where a policy cannot name it: an IPv6 literal, or an IPv4 one beside 127.0.0.1 (CSP3
    §2.3.1, §6.7.2.8), or a scheme of an application's own, whatever stands behind it.
    """
    scheme, _, rest = redirect_uri.partition("://")
    if scheme.lower() not in {"http", "https"}:
        return None
    end = min(place for place in (rest.find("/"), rest.find("?"), len(rest)) if place >= 0)
    authority, path = rest[:end], rest[end:].partition("?")[0]
    host = authority.partition(":")[0]
    if not all(letter.isascii() and (letter.isalnum() or letter in "-.:") for letter in authority):
        return None
    if host.replace(".", "").isdigit() and host != "127.0.0.1":
        return None
    plain = "".join(one if one in _IN_PATHS else f"%{ord(one):02X}" for one in path)
    return f"{scheme}://{authority}{plain}"


def cookie(name: str, value: str) -> Header:
    """Set a cookie for this host alone, until the browser ends (RFC 6265bis §4.1.3.2)."""
    return (b"set-cookie", f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax".encode())


def no_cookie(name: str) -> Header:
    """Take a cookie back."""
    gone = f"{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    return (b"set-cookie", gone.encode())
