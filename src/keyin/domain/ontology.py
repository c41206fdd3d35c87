"""The words of preferences: URIs, the matching vocabulary, and the types of application.

Facts only. The vocabulary is what the ISO 24751 mapping names, in that file's order; it is not
the set of terms that have a schema (local-flow §3.4, cloud-wire appendix A).
"""

from __future__ import annotations

from typing import Final

COMMON: Final = "http://registry.gpii.net/common/"
APPLICATIONS: Final = "http://registry.gpii.net/applications/"

_MATCHED: Final = """
    fontSize lineSpace characterSpace inputsLarger/enabled foregroundColor backgroundColor
    highlightColor fontFaceFontName fontFaceGenericFontFace magnification/enabled magnification
    magnifierPosition tracking trackingTTS invertImages invertColours cursorSize
    highContrast/enabled highContrastTheme mouseTrailing
    screenReaderBrailleOutput auditoryOutLanguage speechRate speakTutorialMessages keyEcho
    wordEcho announceCapitals punctuationVerbosity screenReaderTTS/enabled
    pitch readingUnit volumeTTS selfVoicing/enabled
    brailleMode
    screenOffTime screenRotation screenDefaultRotation screenDim
    onScreenKeyboard/enabled
    initDelay cursorSpeed mouseEmulation/enabled
    stickyKeys toggleKeys
    slowKeysInterval slowKeys/enabled
    debounce/enabled
    hapticFeedback
    tableOfContents
    adaptationPreference supportTool
    simplifiedUi/enabled syllabification/enabled
    volume screenBrightness
    language
    autocorrectionEnabled spellCheckEnabled textPredictionEnabled textPredictionWithSpaceEnabled
    doubleTabSpaceEnabled keyAudioFeedbackEnabled autoShiftEngageEnabled shiftLockEnabled
    compatibilityKeyboardEnabled autoScreenKeyboardEnabled
    DPIScale speechControl nightScreen
"""

VOCABULARY: Final[tuple[str, ...]] = tuple(COMMON + term for term in _MATCHED.split())
"""The 69 terms that can select a solution, as URIs, in the order of the ISO 24751 mapping."""

SELECTING: Final = frozenset(VOCABULARY)

APPLICATION_TYPES: Final[dict[str, frozenset[str]]] = {
    "magnifier": frozenset({COMMON + "magnification/enabled", COMMON + "magnification"}),
    "screen reader": frozenset({COMMON + "screenReaderTTS/enabled"}),
    "sticky keys": frozenset({COMMON + "stickyKeys"}),
    "slow keys": frozenset({COMMON + "slowKeys/enabled"}),
    "debounce keys": frozenset({COMMON + "debounce/enabled"}),
    "on-screen keyboard": frozenset({COMMON + "onScreenKeyboard/enabled"}),
}
"""Of each type only one application may run; a trigger term makes one (local-flow §3.5)."""


def application(solution: str) -> str:
    """Name the application term of a solution."""
    return APPLICATIONS + solution
