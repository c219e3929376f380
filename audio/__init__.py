"""Sound as numpy: the Audio type, bytes ↔ Audio, sample rates. Knows nothing of models or HTTP."""

from audio.decode import DecodeLimits, EncodedSound, decode
from audio.encode import FORMATS, Encoder, Format, encode
from audio.ffmpeg import READABLE
from audio.g711 import decode_a_law, decode_mu_law
from audio.reel import Reel
from audio.resample import Resampler, resample
from audio.signal import Audio, Recording, Samples, Sound, join, silence
from audio.tape import Tape
from audio.trim import trim

__all__ = [
    "FORMATS",
    "READABLE",
    "Audio",
    "DecodeLimits",
    "EncodedSound",
    "Encoder",
    "Format",
    "Recording",
    "Reel",
    "Resampler",
    "Samples",
    "Sound",
    "Tape",
    "decode",
    "decode_a_law",
    "decode_mu_law",
    "encode",
    "join",
    "resample",
    "silence",
    "trim",
]
