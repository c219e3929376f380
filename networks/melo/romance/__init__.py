"""Spanish and French for MeloTTS: preparation, normalisation and pronunciation by gruut's dictionaries."""
