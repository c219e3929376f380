"""Chinese text: numbers and signs in characters, words with their parts of speech, and pinyin."""
