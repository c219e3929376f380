"""Korean for MeloTTS: pronunciation by the rules of Standard Korean, numbers, and English words in Hangul."""
