"""VITS (Kim et al. 2021) and what became of it: the parts that OpenVoice and MeloTTS are made of.

    symbols ─► text encoder ─► hidden ─► durations ──┐
               (attention)  └► mean, scale ─► frames ┴► + noise ─► flow, inverse ─► decoder ─► sound
                                                                        ▲
    spectrogram ─► posterior encoder ──────────────► flow, forward ─► another speaker's vector

One module for each part, named as the papers name it. All of it is for inference. Features are
`[batch, channels, time]`; a mask is `[batch, 1, time]`, or None where no row is padded; a speaker's
vector `g` is `[batch, channels, 1]`. Names of attributes are those of the published checkpoints.

Rows of a batch never hear each other: wherever a layer looks at its neighbours, what lies behind the
end of a row is silenced first, so that a row in a padded batch sounds as it does alone.
"""
