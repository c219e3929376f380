"""Harmony Speech V1: three networks that clone a voice from a few seconds of it. 16 kHz.

    a recording ─► hearing ─► encoder ──────────► voice [E]
                                                    │
    text ─► characters ───────────────► synthesizer ◄┘ ─► mel [80, T] ─► vocoder ─► sound

The encoder is GE2E's (Wan et al. 2018), the synthesizer a ForwardTacotron (Schäfer 2020) that is told the
speaker, the vocoder a multi-band MelGAN (Yang et al. 2020). All of it is for inference; names of
attributes are those of the published checkpoints. Rows of a batch never hear each other.
"""
