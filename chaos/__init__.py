"""A run under faults of all kinds, and what must be true when they have ended."""
