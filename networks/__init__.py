"""Network code and text front ends that no package serves. No BentoML, no HTTP, no settings."""
