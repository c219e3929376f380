"""How soon a long text is heard, beside the bare synthesis of its first clause."""

from __future__ import annotations

import settings
from catalog import model_class
from pipelines.sentences import split
from scripts.benches.machine import PARAGRAPH, Bench, percentile, seconds, verdict
from tasks import Speak
from weights import Store

ROUNDS, CROWD = 7, 8


def run(bench: Bench) -> None:
    entry = next(e for e in settings.load().model_configs if e.name == "kokoro")
    model = model_class(entry)(entry, Store(settings.weights_root(), offline=True))
    clause = next(split(PARAGRAPH, "en"))
    asked = {
        "url": "/v1/audio/speech",
        "json": {"model": "kokoro", "input": PARAGRAPH, "response_format": "pcm"},
    }
    ours, bare = [], []
    bench.crowd([asked], 1)
    for _ in range(ROUNDS):
        (answer,), _ = bench.crowd([asked], 1)
        ours.append(answer.first_byte)
        bare.append(seconds(model.synthesize, [Speak(clause)]))  # type: ignore[attr-defined]
    middle, alone = sorted(ours)[ROUNDS // 2], sorted(bare)[ROUNDS // 2]
    print(f"  first byte {middle:.3f} s; bare synthesis of “{clause}” {alone:.3f} s")
    print(f"    one at a time: {verdict(middle / alone, 1.5, at_most=True)}")
    answers, took = bench.crowd([asked] * 2 * CROWD, CROWD)
    firsts = [answer.first_byte for answer in answers]
    print(
        f"  {CROWD} at once: first byte p50 {percentile(firsts, 0.5):.2f} s, "
        f"p95 {percentile(firsts, 0.95):.2f} s; {2 * CROWD} paragraphs in {took:.1f} s"
    )
