"""English text front end: written English to the phonemes of Kokoro, and of espeak-ng voices."""

from networks.english.espeak_ipa import to_espeak_ipa
from networks.english.front_end import EnglishFrontEnd

__all__ = ["EnglishFrontEnd", "to_espeak_ipa"]
