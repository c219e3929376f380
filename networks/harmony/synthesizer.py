"""Harmony Speech's synthesizer, a ForwardTacotron that is told the speaker: characters to mel frames.

    characters ─┬─► durations, pitch, energy (each told the speaker)
                └─► bank ─► + pitch ─► + energy ─► repeated by duration ─► + speaker ─► LSTM ─► mel
                                                                        mel ─► bank ─► final mel
    synthesizer = load(SynthesizerConfig.parsed(config), weights, "cpu")
    synthesizer.speak([Utterance(characters, voice)])                # [mel [bands, T]]

Nothing is left to chance: the same text in the same voice is always the same mel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import torch
from torch import Tensor, nn

from networks.harmony.blocks import Bank, SeriesPredictor, both_ways, told
from networks.harmony.config import SeriesSizes, SynthesizerConfig
from networks.vits.checkpoint import described, fill
from networks.vits.convolution import Conv1d, place
from networks.vits.frames import LONGEST, spread
from networks.vits.masks import mask_of, padded
from networks.vits.synthesizer import TooLong

MOST_FRAMES = 9600  # of one utterance: two minutes
FALLBACK = 2.0  # frames of every character, where the predictor says that nothing lasts


@attrs.frozen(eq=False)
class Utterance:
    """What one row of a batch says."""

    characters: Sequence[int]
    voice: Tensor  # [E], of the encoder that belongs to the synthesizer
    speed: float = 1.0
    pitch: float = 1.0
    energy: float = 1.0


@attrs.frozen(eq=False)
class Text:
    """Padded characters `[B, T]`, whose voices they are in `[B, E]`, and where rows end."""

    characters: Tensor
    voices: Tensor
    lengths: tuple[int, ...]
    mask: Tensor | None


class Synthesizer(nn.Module):
    def __init__(self, config: SynthesizerConfig) -> None:
        super().__init__()
        self.register_buffer("step", torch.zeros(1, dtype=torch.long))  # of training
        self.embedding = nn.Embedding(config.characters, config.embedding)
        self.dur_pred = _predictor(config, config.duration)
        self.pitch_pred = _predictor(config, config.pitch)
        self.energy_pred = _predictor(config, config.energy)
        self.prenet = Bank(config.embedding, config.prenet)
        hidden = 2 * config.prenet.channels
        self.pitch_proj = Conv1d(1, hidden, 3, padding=1)
        self.energy_proj = Conv1d(1, hidden, 3, padding=1)
        self.lstm = nn.LSTM(
            hidden + config.voice, config.recurrent, batch_first=True, bidirectional=True
        )
        self.lin = nn.Linear(2 * config.recurrent, config.mels)
        self.postnet = Bank(config.mels, config.postnet)
        self.post_proj = nn.Linear(2 * config.postnet.channels, config.mels, bias=False)
        self.config = config

    @property
    def device(self) -> torch.device:
        return self.embedding.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """In which frames are made; characters are always read in float32."""
        return self.lin.weight.dtype

    @torch.inference_mode()
    def speak(
        self, utterances: Sequence[Utterance], most_frames: int = MOST_FRAMES
    ) -> list[Tensor | TooLong]:
        """Mels `[bands, T]`, float32 on the CPU, of each utterance, as it would be alone.

        ValueError for a character that there is not; TooLong in the place of an utterance that would
        have more frames than allowed.
        """
        for utterance in utterances:
            self._check(utterance)
        text = self._text(utterances)
        speed, pitch, energy = (
            torch.tensor([getattr(one, name) for one in utterances], device=self.device)[:, None]
            for name in ("speed", "pitch", "energy")
        )
        frames = frames_of(self.durations(text, speed))
        hidden = self.hidden(text, self.pitch(text) * pitch, self.energy(text) * energy)
        wanted = frames.sum(dim=1).tolist()
        found: list[Tensor | TooLong] = [TooLong(count, most_frames) for count in wanted]
        if kept := [row for row, count in enumerate(wanted) if count <= most_frames]:
            lengths = [wanted[row] for row in kept]
            spoken = self.mel(
                spread(hidden[kept], frames[kept], lengths), text.voices[kept], lengths
            )
            for row, mel, length in zip(kept, spoken.float().cpu(), lengths, strict=True):
                found[row] = mel[:, :length]
        return found

    def durations(self, text: Text, speed: Tensor) -> Tensor:
        """Frames `[B, T]` of each character, not yet whole, 0 behind a row's end."""
        said = self.dur_pred(text.characters, text.voices, text.lengths, text.mask) / speed
        said = _silenced(said, text.mask)
        lasting = said.trunc().sum(dim=1, keepdim=True) > 0
        return _silenced(torch.where(lasting, said, FALLBACK), text.mask)

    def pitch(self, text: Text) -> Tensor:
        found: Tensor = self.pitch_pred(text.characters, text.voices, text.lengths, text.mask)
        return found

    def energy(self, text: Text) -> Tensor:
        found: Tensor = self.energy_pred(text.characters, text.voices, text.lengths, text.mask)
        return found

    def hidden(self, text: Text, pitch: Tensor, energy: Tensor) -> Tensor:
        """`[B, C, T]` of pitch and energy `[B, T]` of each character."""
        read = self.embedding(text.characters).transpose(1, 2)
        hidden: Tensor = self.prenet(read, text.lengths, text.mask).transpose(1, 2)
        high: Tensor = self.pitch_proj(_silenced(pitch, text.mask)[:, None])
        loud: Tensor = self.energy_proj(_silenced(energy, text.mask)[:, None])
        return hidden + self.config.pitch_strength * high + self.config.energy_strength * loud

    def mel(self, hidden: Tensor, voices: Tensor, lengths: Sequence[int]) -> Tensor:
        """The final mel `[B, bands, T]` of frames `[B, C, T]`."""
        hidden = hidden.to(self.dtype)
        mask = mask_of(lengths, hidden)
        first = self.first_mel(hidden, voices.to(self.dtype), lengths, mask)
        made: Tensor = self.post_proj(self.postnet(first, lengths, mask))
        return made.transpose(1, 2)

    def first_mel(
        self, hidden: Tensor, voices: Tensor, lengths: Sequence[int], mask: Tensor | None
    ) -> Tensor:
        """`[B, bands, T]`."""
        known = both_ways(self.lstm, told(hidden.transpose(1, 2), voices), lengths, mask)
        made: Tensor = self.lin(known)
        return made.transpose(1, 2)

    def _text(self, utterances: Sequence[Utterance]) -> Text:
        characters = padded([torch.tensor(one.characters) for one in utterances]).to(self.device)
        voices = torch.stack([one.voice for one in utterances]).to(self.device, torch.float32)
        lengths = tuple(len(one.characters) for one in utterances)
        return Text(characters, voices, lengths, mask_of(lengths, characters.float()))

    def _check(self, utterance: Utterance) -> None:
        known = self.config.characters
        if not utterance.characters:
            raise ValueError("an utterance without characters")
        if not all(0 <= one < known for one in utterance.characters):
            raise ValueError(f"characters must be from 0 to {known - 1}")
        if utterance.voice.shape != (self.config.voice,):
            raise ValueError(f"a voice must be {self.config.voice} numbers")


def frames_of(durations: Tensor) -> Tensor:
    """Whole frames `[B, T]`, halves rounded up, nothing below 0."""
    whole = (durations + 0.5).floor().nan_to_num(nan=LONGEST, posinf=LONGEST)
    return whole.clamp(0, LONGEST).long()


def load(
    config: SynthesizerConfig,
    weights: Mapping[str, Tensor],
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Synthesizer:
    """A synthesizer with a checkpoint's weights, which must be exactly its own (else UnfitWeights).

    Frames are made in `dtype`; characters, and so durations, are read in float32.
    """
    network = described(lambda: Synthesizer(config))
    fill(network, weights)
    for part in (network.lstm, network.lin, network.postnet, network.post_proj):
        part.to(dtype)
    place(network, device)
    return network


def _predictor(config: SynthesizerConfig, sizes: SeriesSizes) -> SeriesPredictor:
    return SeriesPredictor(
        config.characters, config.series_embedding, config.voice, sizes.convolutions,
        sizes.recurrent,
    )  # fmt: skip


def _silenced(values: Tensor, mask: Tensor | None) -> Tensor:
    """Values `[B, T]` of characters, 0 behind each row's end."""
    return values if mask is None else values * mask[:, 0]
