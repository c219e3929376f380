"""The closed classes of English: the words whose company tells a noun from a verb."""

from __future__ import annotations

from networks.english.tables import words


def _set(text: str) -> frozenset[str]:
    return frozenset(words(text))


POSSESSIVES = _set("my your his her its our their whose")
DETERMINERS = POSSESSIVES | _set(
    "a an the this that these those no any every each another either neither some many few several "
    "much most such what which all"
)
NUMBER_WORDS = _set(
    "zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety hundred thousand million billion trillion"
)
SUBJECTS = _set("i you we they he she it who")
OBJECTS = _set(
    "me you him them us it itself themselves himself herself myself yourself everyone anyone"
)
BE = _set(
    "be am is are was were been being isn't aren't wasn't weren't i'm you're we're they're he's "
    "she's it's that's there's who's what's"
)
HAVE = _set(
    "have has had having haven't hasn't hadn't i've you've we've they've who've could've would've"
)
MODALS = _set(
    "will would can could may might must shall should do does did cannot can't couldn't won't "
    "wouldn't shouldn't mustn't don't doesn't didn't i'll you'll we'll they'll he'll she'll it'll "
    "i'd you'd we'd they'd he'd she'd let's please to"
)
PREPOSITIONS = _set(
    "of in for with on at by from into onto about as than after before between during through "
    "under over against without within per via near toward towards across around behind among "
    "like upon out"
)
CONJUNCTIONS = _set("and or but nor")
ADVERBS = _set(
    "not never always often just still only then now even also already almost soon ever rather "
    "too very so quite really usually sometimes again first both rarely"
)
LINKS = _set(
    "if when where while because how why though although until unless since whether there here"
)
FUNCTION_WORDS = frozenset().union(
    DETERMINERS, SUBJECTS, OBJECTS, BE, HAVE, MODALS, PREPOSITIONS, CONJUNCTIONS, ADVERBS,
    LINKS,
)  # fmt: skip
OPENS_OBJECT = (DETERMINERS | OBJECTS) - _set("that which what all such")
