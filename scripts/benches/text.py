"""Text front ends: how long 100 characters take, new to the process and once its words are remembered."""

from __future__ import annotations

import re
from collections.abc import Callable

import settings
from networks.chinese.words import ChineseMissing
from networks.extras import ExtraMissing
from networks.melo.chinese import Mandarin, Syllables
from networks.melo.english import English, EnglishWords
from networks.melo.flow import Language
from networks.melo.japanese.front_end import Japanese
from networks.melo.korean.front_end import Korean
from networks.melo.mixed import MandarinWithEnglish
from networks.melo.romance.french import French
from networks.melo.romance.spanish import Spanish
from networks.openvoice.text import load_front_end
from scripts.benches.machine import PARAGRAPH, Bench, median_seconds, seconds
from weights import Store

MANDARIN = (
    "清晨的雾还没有散，渡船已经离开了码头。船长看了两遍海图，又要了一杯咖啡。"
    "两个孩子数着跟在船后面的海鸥，不一会儿就数到了三十只。中午的时候，海岸只剩下一条灰色的细线。"
    "午饭是热汤、面包和一小块奶酪。到了下午，海面平静得像一张桌子。"
    "他们提前一个小时到达，只好在那里等领航员。"
)
MIXED = "今天的meeting改到下午三点，请把report发到我的email里。这个app的design很cool，但是还有两个bug要fix。"
JAPANESE = (
    "朝の霧がまだ晴れないうちに、渡し船は岸を離れました。船長は海図を二度見て、コーヒーをもう一杯頼みました。"
    "二人の子供は船を追うカモメを数え、すぐに30羽になりました。昼には海岸は灰色の細い線になっていました。"
)
KOREAN = (
    "아침 안개가 걷히기 전에 나룻배는 부두를 떠났다. 선장은 해도를 두 번 보고 커피를 한 잔 더 시켰다. "
    "두 아이는 배를 따라오는 갈매기를 세다가 금방 30마리까지 세었다. 점심때가 되자 바닷가는 잿빛 선만 남았다."
)
SPANISH = (
    "El transbordador dejó el muelle antes de que se levantara la niebla. El capitán miró dos veces la carta "
    "y pidió otro café. Dos niños contaron las gaviotas que seguían al barco y llegaron enseguida a 30."
)
FRENCH = (
    "Le bac quitta le quai avant que la brume ne se lève. Le capitaine regarda deux fois la carte et demanda "
    "encore un café. Deux enfants comptèrent les mouettes qui suivaient le bateau et arrivèrent vite à 30."
)
_SYMBOLS = "_,.!?-~…NQabdefghijklmnopstuvwxyzɑæʃʑçɯɪɔɛɹðəɫɥɸʊɾʒθβŋɦ⁼ʰ`^#*=ˈˌ→↓↑ "

TOKEN = re.compile(r"\w+|[^\w\s]")

Read = Callable[[str], object]


def run(bench: Bench) -> None:
    store = Store(settings.weights_root())
    for name, text, load in (
        ("OpenVoice V1 EN", PARAGRAPH, _openvoice_english),
        ("OpenVoice V1 ZH", MANDARIN, _openvoice_chinese),
        ("MeloTTS EN", PARAGRAPH, _melo_english),
        ("MeloTTS ZH", MANDARIN, _melo_chinese),
        ("MeloTTS ZH_MIX_EN", MIXED, _melo_mixed),
        ("MeloTTS JP", JAPANESE, lambda _: _spoken(Japanese.load())),
        ("MeloTTS KR", KOREAN, _melo_korean),
        ("MeloTTS ES", SPANISH, lambda _: _spoken(Spanish.load())),
        ("MeloTTS FR", FRENCH, lambda _: _spoken(French.load())),
    ):
        try:
            read = load(store)
        except (ChineseMissing, ExtraMissing) as missing:
            print(f"  {name}: {missing}")
            continue
        per_100 = 100_000 / len(text)  # from seconds for the text
        first = seconds(read, text) * per_100
        later = median_seconds(9, read, text) * per_100
        print(f"  {name}: {first:.2f} ms for 100 characters at first, {later:.2f} ms later")


def _openvoice_english(store: Store) -> Read:
    front_end = load_front_end("EN", _SYMBOLS, add_blank=True, dictionary=store.fetch("cmudict"))
    return lambda text: [front_end.ids(piece) for piece in front_end.pieces(text)]


def _openvoice_chinese(store: Store) -> Read:
    front_end = load_front_end("ZH", _SYMBOLS, add_blank=True)
    return lambda text: [front_end.ids(piece) for piece in front_end.pieces(text)]


def _melo_english(store: Store) -> Read:
    return _spoken(English(_words(store)))


def _melo_chinese(store: Store) -> Read:
    return _spoken(Mandarin(Syllables.load(store.fetch("melotts-lexicon"))))


def _melo_mixed(store: Store) -> Read:
    syllables = Syllables.load(store.fetch("melotts-lexicon"))
    return _spoken(MandarinWithEnglish(syllables, _words(store)))


def _melo_korean(store: Store) -> Read:
    lexicon = _words(store).lexicon
    return _spoken(Korean(lambda word: lexicon.get(word.upper())))


def _words(store: Store) -> EnglishWords:
    guesser = store.fetch("english-guesser") / "checkpoint20.npz"
    return EnglishWords.load(store.fetch("melotts-lexicon"), guesser)


def _spoken(language: Language) -> Read:
    """Without the BERT tokenizer, which is none of the front end's own: words and marks instead."""
    return lambda text: [
        language.speak(language.normalize(piece), TOKEN.findall) for piece in language.pieces(text)
    ]
