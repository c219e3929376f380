"""OpenVoice (Qin et al. 2023): a base speaker reads, a converter gives its speech another's tone colour.

`synthesizer` speaks (V1; V2 reads with MeloTTS), `converter` tells a voice's tone and changes it (V1, V2).
Source: myshell-ai/OpenVoice and OpenVoiceV2 on the hub, MIT. 22.05 kHz.
"""
