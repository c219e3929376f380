"""In what order things happen. Sees runners only through the Protocols of `runners/base.py`."""
