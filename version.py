"""The version of the bundle, said in one place."""

VERSION = "0.1.0"
