"""A checkpoint's config.json, read strictly: sizes that a network can have, or a refusal that names the key.

Published configs carry more than inference needs (training, losses), so keys that nobody asks for are
passed over. What is asked for must be there, of its kind and within bounds.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping

import attrs

WIDEST = 4096  # channels of any layer
DEEPEST = 64  # layers of any stack
KERNELS = 63  # the longest convolution
TABLE = 65536  # rows of any embedding


class UnfitConfig(ValueError):
    """A config.json that no network can be built from; the message names the key and what fits."""


class Section:
    """An object of the config, which hands out values by key, checked."""

    def __init__(self, values: object, name: str = "config.json") -> None:
        if not isinstance(values, Mapping):
            raise UnfitConfig(f"{name} is {reprlib.repr(values)}; an object is expected")
        self._values = values
        self._name = name

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def section(self, key: str) -> Section:
        return Section(self._value(key), f"{self._name}: {key}")

    def whole(self, key: str, least: int, most: int) -> int:
        return self._whole(key, self._value(key), least, most)

    def wholes(self, key: str, least: int, most: int) -> tuple[int, ...]:
        return tuple(self._whole(key, one, least, most) for one in self._list(key))

    def nested_wholes(self, key: str, least: int, most: int) -> tuple[tuple[int, ...], ...]:
        rows = [row for row in self._list(key) if isinstance(row, list) and 0 < len(row) <= DEEPEST]
        if len(rows) != len(self._list(key)):
            raise self._refusal(key, self._value(key), "a list of lists")
        return tuple(tuple(self._whole(key, one, least, most) for one in row) for row in rows)

    def halved(self, key: str) -> int:
        """Channels that a flow's couplings part in two."""
        channels = self.whole(key, 2, WIDEST)
        if channels % 2:
            raise self._refusal(key, channels, "an even number")
        return channels

    def shared(self, key: str, heads: str) -> int:
        """Channels that the heads of attention share out evenly."""
        channels, count = self.whole(key, 1, WIDEST), self.whole(heads, 1, DEEPEST)
        if channels % count:
            raise self._refusal(key, channels, f"a multiple of {heads}, which is {count},")
        return channels

    def flag(self, key: str, default: bool) -> bool:
        """A flag that may be absent, or null, which is the same."""
        value = self._values.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._refusal(key, value, "true or false")
        return value

    def number(self, key: str, default: float, most: float) -> float:
        """A number from 0 that may be absent."""
        value = self._values.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
            raise self._refusal(key, value, f"a number from 0 to {most}")
        return float(value)

    def word(self, key: str, default: str) -> str:
        """A string that may be absent."""
        value = self._values.get(key, default)
        if not isinstance(value, str):
            raise self._refusal(key, value, "a string")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        words = [word for word in self._list(key, most=TABLE) if isinstance(word, str)]
        if len(words) != len(self._list(key, most=TABLE)):
            raise self._refusal(key, self._value(key), "a list of strings")
        return tuple(words)

    def numbered(self, key: str, most: int) -> dict[str, int]:
        """Names and their numbers; none where the key is absent."""
        names = self._values.get(key, {})
        if not isinstance(names, Mapping) or len(names) > TABLE:
            raise self._refusal(key, names, "names and their numbers")
        return {str(name): self._whole(key, number, 0, most) for name, number in names.items()}

    def only(self, key: str, choice: str) -> None:
        """A key that may be absent, and otherwise has the one value that we know."""
        if str(self._values.get(key, choice)) != choice:
            raise self._refusal(key, self._values[key], repr(choice))

    def _value(self, key: str) -> object:
        if key not in self._values:
            raise UnfitConfig(f"{self._name} has no {key!r}")
        return self._values[key]

    def _list(self, key: str, most: int = DEEPEST) -> list[object]:
        value = self._value(key)
        if not isinstance(value, list) or not 0 < len(value) <= most:
            raise self._refusal(key, value, f"a list of 1 to {most} entries")
        return value

    def _whole(self, key: str, value: object, least: int, most: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._refusal(key, value, f"a whole number from {least} to {most}")
        return value

    def _refusal(self, key: str, value: object, expected: str) -> UnfitConfig:
        shown = reprlib.repr(value)
        return UnfitConfig(f"{self._name}: {key} is {shown}; {expected} is expected")


@attrs.frozen
class SoundSizes:
    """The rate, and the spectrogram's sizes in samples."""

    rate: int  # Hz
    window: int  # of the Fourier transform
    hop: int  # from one frame to the next
    taper: int  # of the Hann window, at most `window`

    @property
    def bins(self) -> int:
        return self.window // 2 + 1

    @classmethod
    def parsed(cls, data: Section) -> SoundSizes:
        window = data.whole("filter_length", 16, 1 << 14)
        return cls(
            rate=data.whole("sampling_rate", 8000, 192000),
            window=window,
            hop=data.whole("hop_length", 1, window),
            # MeloTTS leaves it out: nothing is ever made a spectrogram there.
            taper=data.whole("win_length", 1, window) if "win_length" in data else window,
        )


@attrs.frozen
class DecoderSizes:
    """Of HiFi-GAN's generator: its stages, and the residual blocks of each."""

    initial_channel: int
    rates: tuple[int, ...]
    kernels: tuple[int, ...]
    block_kernels: tuple[int, ...]
    block_dilations: tuple[tuple[int, ...], ...]

    @property
    def hop(self) -> int:
        return math.prod(self.rates)

    @classmethod
    def parsed(cls, model: Section, hop: int) -> DecoderSizes:
        model.only("resblock", "1")
        sizes = cls(
            initial_channel=model.whole("upsample_initial_channel", 2, WIDEST),
            rates=model.wholes("upsample_rates", 1, 64),
            kernels=model.wholes("upsample_kernel_sizes", 1, 128),
            block_kernels=model.wholes("resblock_kernel_sizes", 1, KERNELS),
            block_dilations=model.nested_wholes("resblock_dilation_sizes", 1, KERNELS),
        )
        sizes._check(hop)
        return sizes

    def _check(self, hop: int) -> None:
        if self.hop != hop:
            raise UnfitConfig(f"upsample_rates multiply to {self.hop}, hop_length is {hop}")
        pairs = list(zip(self.kernels, self.rates, strict=False))
        if len(self.kernels) != len(self.rates) or any(k < r or (k - r) % 2 for k, r in pairs):
            raise UnfitConfig(
                f"upsample_kernel_sizes are {self.kernels}; for upsample_rates {self.rates} as many "
                "are expected, each longer than its rate by an even number"
            )
        if self.initial_channel % (1 << len(self.rates)):
            raise UnfitConfig(
                f"upsample_initial_channel is {self.initial_channel}; it is halved "
                f"{len(self.rates)} times"
            )
        if len(self.block_dilations) != len(self.block_kernels):
            raise UnfitConfig(
                f"resblock_dilation_sizes has {len(self.block_dilations)} lists for "
                f"{len(self.block_kernels)} resblock_kernel_sizes"
            )
        if any(kernel % 2 == 0 for kernel in self.block_kernels):
            raise UnfitConfig(f"resblock_kernel_sizes are {self.block_kernels}; all must be odd")
