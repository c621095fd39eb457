"""The embedded ACS and a GenieACS side by side (``./scripts/compare-acs``)."""
