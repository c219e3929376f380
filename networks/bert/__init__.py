"""BERT (Devlin et al. 2019) as a listener to text: what each token means among the others.

`tokens` cuts a text as a published tokenizer does, `encoder` turns tokens into vectors. Only the layers
that somebody reads are there, and nothing that predicts words. Written out here, and compared with the
`transformers` package in the tests, because importing that package costs a process 195 MB and three
seconds (docs/log.md).
"""
