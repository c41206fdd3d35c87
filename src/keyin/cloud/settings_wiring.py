"""The settings services put together: who answers what a computer should become, and who saves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.settings.saving import Saving
from keyin.settings.service import SettingsService
from keyin.stores.ontology_file import read_ontology

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy
    from keyin.settings.current import Current
    from keyin.settings.ports import Safes, Vault


def settings_service(
    safes: Safes, vault: Vault, current: Current, entropy: Entropy
) -> SettingsService:
    """Put the service together over this cloud's own store."""
    ontologies = read_ontology().ontologies
    return SettingsService(
        safes=safes,
        saving=Saving(safes=safes, vault=vault, entropy=entropy, ontologies=ontologies),
        registries=current.registries,
        ontologies=ontologies,
        codex=current.codex,
        look=current.look,
    )
