"""MeloTTS' text front ends: written text to the phones, tones and language ids of its network."""
