"""Languages as requests name them: Whisper's ISO 639-1 codes and their English names, and tags of voices."""

from __future__ import annotations

from errors import InvalidInput
from runners.roles import tag
from tasks import Card

ANY_LANGUAGE = "default"  # what Harmony Speech Engine calls the language of a model that names none

NAMES = {
    "af": "afrikaans", "am": "amharic", "ar": "arabic", "as": "assamese", "az": "azerbaijani",
    "ba": "bashkir", "be": "belarusian", "bg": "bulgarian", "bn": "bengali", "bo": "tibetan",
    "br": "breton", "bs": "bosnian", "ca": "catalan", "cs": "czech", "cy": "welsh", "da": "danish",
    "de": "german", "el": "greek", "en": "english", "es": "spanish", "et": "estonian", "eu": "basque",
    "fa": "persian", "fi": "finnish", "fo": "faroese", "fr": "french", "gl": "galician",
    "gu": "gujarati", "ha": "hausa", "haw": "hawaiian", "he": "hebrew", "hi": "hindi",
    "hr": "croatian", "ht": "haitian creole", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "is": "icelandic", "it": "italian", "ja": "japanese", "jw": "javanese", "ka": "georgian",
    "kk": "kazakh", "km": "khmer", "kn": "kannada", "ko": "korean", "la": "latin",
    "lb": "luxembourgish", "ln": "lingala", "lo": "lao", "lt": "lithuanian", "lv": "latvian",
    "mg": "malagasy", "mi": "maori", "mk": "macedonian", "ml": "malayalam", "mn": "mongolian",
    "mr": "marathi", "ms": "malay", "mt": "maltese", "my": "myanmar", "ne": "nepali", "nl": "dutch",
    "nn": "nynorsk", "no": "norwegian", "oc": "occitan", "pa": "punjabi", "pl": "polish",
    "ps": "pashto", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sa": "sanskrit",
    "sd": "sindhi", "si": "sinhala", "sk": "slovak", "sl": "slovenian", "sn": "shona",
    "so": "somali", "sq": "albanian", "sr": "serbian", "su": "sundanese", "sv": "swedish",
    "sw": "swahili", "ta": "tamil", "te": "telugu", "tg": "tajik", "th": "thai", "tk": "turkmen",
    "tl": "tagalog", "tr": "turkish", "tt": "tatar", "uk": "ukrainian", "ur": "urdu",
    "uz": "uzbek", "vi": "vietnamese", "yi": "yiddish", "yo": "yoruba", "yue": "cantonese",
    "zh": "chinese",
}  # fmt: skip
CODES = {name: code for code, name in NAMES.items()}


def code_of(language: str, spoken: tuple[str, ...]) -> str:
    """The code of a language given as code, name or tag (en, English, en-US), if the model speaks it."""
    given = language.strip().lower()
    code = CODES.get(given) or given.replace("_", "-").partition("-")[0]
    if code not in spoken:
        known = ", ".join(spoken)
        raise InvalidInput(
            f"Invalid language '{language}': the model knows {known}.", param="language"
        )
    return code


def asked_for(language: str | None) -> str | None:
    """The language that a request names; one word stands for none."""
    return None if language is None or language.lower() == ANY_LANGUAGE else language


def spoken_tag(asked: str | None, voice: str | None, card: Card) -> str | None:
    """The model's own tag for `EN`, `en` or `en_us`: the voice's, if it speaks that language."""
    asked = asked_for(asked)
    if asked is None:
        return None
    given = asked.lower().replace("_", "-")
    wanted = given if "-" in given else tag(given)
    spoken = [v.language for v in card.voices if v.name == (voice or card.default_voice)]
    offered = [*spoken, *card.languages]
    fits = [own for own in offered if wanted == own.lower()]
    fits += [own for own in offered if wanted == own.lower().partition("-")[0]]
    # A model that tells no varieties apart speaks them all alike.
    fits += [own for own in offered if tag(wanted) == own.lower()]
    if not fits:
        known = ", ".join(card.languages)
        raise InvalidInput(
            f"Invalid language '{asked}': the model knows {known}.", param="language"
        )
    return fits[0]


def name_of(code: str) -> str:
    return NAMES.get(code, code)
