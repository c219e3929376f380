"""The parts of `scripts/soak`: its clients, and what it measures."""
