"""Run files, one YAML per run, and `models/` presets; data only."""
