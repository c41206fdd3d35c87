"""Templates into pages: every value escaped, every text in the person's language (P76)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from keyin.pages.languages import chosen
from keyin.pages.views import day, moment
from keyin.stores.catalogues import catalogues
from keyin.wire.utc_text import text_of

if TYPE_CHECKING:
    from gettext import NullTranslations

    from keyin.wire.pages import PageRequest

EXTENSIONS: Final = ("jinja2.ext.i18n",)


class Templates:
    """Every template in every language."""

    def __init__(self) -> None:
        self._known = catalogues()
        self._environments = {
            language: _environment(catalogue) for language, catalogue in self._known.items()
        }

    def render(self, name: str, request: PageRequest, /, **context: Any) -> bytes:  # noqa: ANN401 - whatever a template shows
        """Return the page as bytes; `StrictUndefined` makes a name that is missing an error."""
        language = chosen(request.languages, self._known)
        template = self._environments[language].get_template(f"{name}.html")
        return template.render(language=language, **context).encode()


def _environment(catalogue: NullTranslations) -> Environment:
    environment = Environment(
        loader=PackageLoader("keyin.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=EXTENSIONS,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"moment": moment, "iso": text_of, "day": day}
    environment.install_gettext_callables(  # type: ignore[attr-defined] # the extension adds it
        lambda text: catalogue.gettext(text) if text else "", catalogue.ngettext, newstyle=True
    )
    return environment
