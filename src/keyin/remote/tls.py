"""The one way in which certificates are checked, whoever the other end is (P22)."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

from keyin.domain.errors import ConfigurationError


def tls_context(ca: Path | None) -> ssl.SSLContext:
    """Trust the authorities of a file, else the system's. Raises ConfigurationError."""
    # not create_default_context(): it writes session keys where SSLKEYLOGFILE says
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is None:
        _trust_the_system(context)
        return context
    try:
        context.load_verify_locations(cafile=ca)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigurationError(
            "the file of trusted authorities %(path)s cannot be used: %(reason)s",
            next_step="name a file that holds PEM certificates",
            path=str(ca),
            reason=(not isinstance(exc, ssl.SSLError) and exc.strerror) or "no PEM certificate",
        ) from exc
    return context


def _trust_the_system(context: ssl.SSLContext) -> None:
    """Load the system's authorities.

    Not load_default_certs(): it takes whatever SSL_CERT_FILE and SSL_CERT_DIR name.
    """
    places = ssl.get_default_verify_paths()
    file, folder = places.openssl_cafile, places.openssl_capath
    if sys.platform == "win32":
        context.load_default_certs()
    elif Path(file).is_file() or Path(folder).is_dir():
        context.load_verify_locations(
            cafile=file if Path(file).is_file() else None,
            capath=folder if Path(folder).is_dir() else None,
        )
