"""Japanese for MeloTTS: readings by pykakasi, kana to phones, numbers and Latin words."""
