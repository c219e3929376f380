"""Neighbours tell what a heteronym is."""

from __future__ import annotations

import re

import pytest

from networks.english.tagging import Sentence, Tag

# The word in stars is the one asked about.
SENTENCES: dict[str, Tag] = {
    "They will *record* it .": "VERB",
    "They broke the *record* .": "NOUN",
    "She wants to *present* it .": "VERB",
    "a *present* for you": "NOUN",
    "He *objects* to it .": "VERB",
    "two *objects* fell": "NOUN",
    "Please *use* the door .": "VERB",
    "the *use* of force": "NOUN",
    "There is no *use* in it .": "NOUN",
    "*Close* the window": "VERB",
    "a *close* friend": "ADJ",
    "I *read* it yesterday": "VBD",
    "I will *read* it": "VERB",
    "She has *read* it": "VBN",
    "They *live* here": "VERB",
    "we love *live* music": "ADJ",
    "She *lives* near me": "VERB",
    "the *lives* of others": "DEFAULT",
    "I know *that* he came": "DEFAULT",
    "*That* is a bird": "DT",
    "the house *that* fell": "DEFAULT",
    "He *used* to sing": "VBD",
    "It is *used* to sing": "VERB",
    "They came *in* and sat": "RP",
    "*in* the house": "IN",
    "It is *a* dog": "DT",
    "vitamin *A*": "DEFAULT",
    "the *IT* department": "NNP",
    "Anna met *Paul* there": "NNP",
}


@pytest.mark.parametrize(("sentence", "tag"), SENTENCES.items())
def test_the_neighbours_tell_the_part_of_speech(sentence: str, tag: Tag) -> None:
    tokens = sentence.split()
    place = next(place for place, token in enumerate(tokens) if re.fullmatch(r"\*.+\*", token))
    tokens[place] = tokens[place].strip("*")
    assert Sentence(tokens).tag(place) == tag
