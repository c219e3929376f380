"""VoiceFixer (Liu et al. 2021): damaged speech to the mel that it should have been, and that to sound.

hearing.py     44.1 kHz sound ─► mel; its high end taken away first, if that is asked for
restorer.py    damaged mel ─► mel
vocoder.py     mel ─► 44.1 kHz sound
"""
