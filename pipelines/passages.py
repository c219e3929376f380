"""What a voice says while its tone is measured: plain words with most sounds of each language."""

from __future__ import annotations

from collections.abc import Mapping

# About twelve seconds each.
PASSAGES: Mapping[str, str] = {
    "de": (
        "Am frühen Morgen liegt Nebel über dem Fluss, und die Boote warten still am Ufer. "
        "Ein Junge mit roter Jacke zählt die Enten. Später kommt die Sonne heraus, und jeder "
        "geht fröhlich seiner Arbeit nach."
    ),
    "en": (
        "Early in the morning there is mist above the river, and the boats are waiting by "
        "the shore. A boy in a red jacket counts the ducks. Later the sun comes out, and "
        "everybody goes cheerfully about their work."
    ),
    "es": (
        "Por la mañana temprano hay niebla sobre el río, y los barcos esperan junto a la "
        "orilla. Un niño de chaqueta roja cuenta los patos. Más tarde sale el sol, y todos "
        "vuelven con alegría a su trabajo."
    ),
    "fr": (
        "Tôt le matin, la brume couvre la rivière, et les bateaux attendent près du bord. "
        "Un garçon en veste rouge compte les canards. Plus tard, le soleil se montre, et "
        "chacun retourne gaiement à son travail."
    ),
    "hi": (
        "सुबह जल्दी नदी के ऊपर कोहरा होता है, और नावें किनारे पर खड़ी रहती हैं। लाल कोट पहने "
        "एक लड़का बत्तखें गिनता है। बाद में धूप निकलती है, और सब लोग खुशी से अपने काम पर "
        "जाते हैं।"
    ),
    "it": (
        "La mattina presto c'è nebbia sul fiume, e le barche aspettano vicino alla riva. "
        "Un ragazzo con la giacca rossa conta le anatre. Più tardi esce il sole, e ognuno "
        "torna allegro al proprio lavoro."
    ),
    "ja": (
        "朝早く、川の上には霧がかかり、舟は岸で静かに待っています。赤い上着の男の子が、あ"
        "ひるを数えています。やがて太陽が顔を出し、みんな楽しそうに仕事へ出かけます。"
    ),
    "ko": (
        "이른 아침 강 위에는 안개가 끼고, 배들은 강가에서 조용히 기다립니다. 빨간 외투를 "
        "입은 소년이 오리를 셉니다. 나중에 해가 나오면 모두 즐겁게 일하러 갑니다."
    ),
    "nl": (
        "Vroeg in de ochtend hangt er mist boven de rivier, en de boten wachten stil aan "
        "de oever. Een jongen met een rode jas telt de eenden. Later komt de zon tevoorschijn, "
        "en iedereen gaat vrolijk aan het werk."
    ),
    "pt": (
        "De manhã cedo há névoa sobre o rio, e os barcos esperam junto à margem. Um menino "
        "de casaco vermelho conta os patos. Mais tarde o sol aparece, e todos voltam alegres "
        "ao seu trabalho."
    ),
    "zh": (
        "清晨，河面上有一层薄雾，小船静静地停在岸边。一个穿红衣服的男孩在数鸭子。后来太阳"
        "出来了，大家都高高兴兴地去上班，孩子们也背着书包上学去了。"
    ),
}
