"""MeloTTS as the hub has it: the releases, the language and the BERT of each, and the tones of their voices.

    myshell-ai/MeloTTS-English, -English-v2, -English-v3, -Chinese, -Japanese, -Korean, -Spanish, -French
                                       config.json, checkpoint.pth
    the language's BERT                config.json, tokenizer_config.json, vocab.txt, and its weights
    myshell-ai/OpenVoiceV2             base_speakers/ses/*.pth: one tone for each voice

All at the commits that were seen, unless another is named. A folder of one's own may stand for any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from errors import SettingsError, WeightsError
from settings import RunnerSettings

CONFIG = "config.json"
CHECKPOINTS = ("checkpoint.safetensors", "checkpoint.pth")
TOKENIZER, VOCABULARY = "tokenizer_config.json", "vocab.txt"
SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"
TONES = "myshell-ai/OpenVoiceV2@f36e7edfe1684461a8343844af60babc2efbb727"
TONE_FOLDER = "base_speakers/ses"


@attrs.frozen
class Bert:
    """A published BERT, and which of the files that it has holds the weights."""

    source: str
    weights: str = PICKLED  # where a repository has both, one of them is as good and half as much


@attrs.frozen
class Spoken:
    """A language of MeloTTS."""

    name: str  # by configurations of Harmony Speech Engine
    tag: str  # ISO 639-1
    code: str  # how its network is told the language: a key of `networks.melo.flow.CODES`
    bert: Bert
    phones_per_character: float  # of ordinary text, the blanks between them included
    sample: str  # spoken once, unheard, when the model is loaded

    def called(self, language: str) -> bool:
        """Whether a name or a tag means this language: KR, ko, ko-KR."""
        primary = language.lower().replace("_", "-").partition("-")[0]
        return primary in (self.name.lower(), self.tag)


LANGUAGES = (
    Spoken(
        "EN", "en", "EN",
        Bert("google-bert/bert-base-uncased@86b5e0934494bd15c9632b12f734a8a67f723594", SAFE),
        1.8, "Ready.",
    ),
    # Chinese runs mixed with English: that is what its published weights were made for.
    Spoken(
        "ZH", "zh", "ZH_MIX_EN",
        Bert("google-bert/bert-base-multilingual-uncased@7cbf9a625e29989f6b9c6c2fa68234c304f7e38f", SAFE),
        2.7, "准备好了。",
    ),
    Spoken(
        "JP", "ja", "JP", Bert("tohoku-nlp/bert-base-japanese-v3@65243d6e5629b969c77309f217bd7b1a79d43c7e"),
        3.8, "準備できました。",
    ),
    Spoken(
        "KR", "ko", "KR", Bert("kykim/bert-kor-base@1779cc0982ada0216dd6de0dd4e86fb78201926d"),
        3.6, "준비되었습니다.",
    ),
    Spoken(
        "ES", "es", "ES",
        Bert("dccuchile/bert-base-spanish-wwm-uncased@d1c9c4565c9d6731e57ed7f027b802697bad861e"),
        2.1, "Todo listo.",
    ),
    Spoken(
        "FR", "fr", "FR",
        Bert("dbmdz/bert-base-french-europeana-cased@b895c3cf291f7bf4c15639078a6bee0b3e272c5b"),
        1.9, "Tout est prêt.",
    ),
)  # fmt: skip

# Spelling, commit, language. The hub finds a repository however it is spelled, ours are told apart by case.
RELEASES: Mapping[str, tuple[str, str, str]] = {
    name.lower(): (name, commit, language)
    for name, commit, language in (
        ("myshell-ai/MeloTTS-English", "bb4fb7346d566d277ba8c8c7dbfdf6786139b8ef", "EN"),
        ("myshell-ai/MeloTTS-English-v2", "a53e3509c4ee4ff16d79272feb2474ff864e18f3", "EN"),
        ("myshell-ai/MeloTTS-English-v3", "f7c4a35392c0e9be24a755f1edb4c3f63040f759", "EN"),
        ("myshell-ai/MeloTTS-Chinese", "af5d207a364ea4208c6f589c89f57f88414bdd16", "ZH"),
        ("myshell-ai/MeloTTS-Japanese", "367f8795464b531b4e97c1515bddfc1243e60891", "JP"),
        ("myshell-ai/MeloTTS-Korean", "0207e5adfc90129a51b6b03d89be6d84360ed323", "KR"),
        ("myshell-ai/MeloTTS-Spanish", "dbb5496df39d11a66c1d5f5a9ca357c3c9fb95fb", "ES"),
        ("myshell-ai/MeloTTS-French", "1e9bf590262392d8bffb679b0a3b0c16b0f9fdaf", "FR"),
    )
}
ACCENTS = {"us": "en-US", "br": "en-GB", "india": "en-IN", "au": "en-AU"}


def source_of(settings: RunnerSettings) -> str:
    """The configured source; a published repository by its own spelling and at its known commit."""
    name, at, revision = settings.source.partition("@")
    if name.lower() not in RELEASES:
        return settings.source
    name, commit, _ = RELEASES[name.lower()]
    return f"{name}@{revision if at else commit}"


def language_of(settings: RunnerSettings) -> Spoken:
    """The configured language; else that of the published repository, which speaks no other."""
    repository = settings.source.partition("@")[0].lower()
    own = RELEASES[repository][2] if repository in RELEASES else None
    wanted = settings.language or own or ""
    for spoken in LANGUAGES:
        if spoken.called(wanted) and own in (None, spoken.name):
            return spoken
    able = own or ", ".join(spoken.name for spoken in LANGUAGES)
    raise SettingsError(
        f"{settings.name}: language is {wanted or 'not said'}; {settings.model} speaks {able}"
    )


def first_of(folder: Path, names: Sequence[str], source: str) -> Path:
    """The first of these files that is there."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise WeightsError(f"{source} holds neither {' nor '.join(names)}")


def plain(voice: str) -> str:
    """A voice's name without what its spellings differ in: EN_INDIA and EN-India are one."""
    return voice.lower().replace("_", "-")


def tag_of(voice: str, spoken: Spoken) -> str:
    """The language that a voice speaks, with its accent where the name tells one."""
    return (
        ACCENTS.get(plain(voice).partition("-")[2], spoken.tag)
        if spoken.tag == "en"
        else spoken.tag
    )
