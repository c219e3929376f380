"""One module per model family, each hosted as a BentoML service of its own."""
