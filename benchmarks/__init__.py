"""
Benchmarks: what the generator costs, beside what the same costs elsewhere (docs/performance.md).

Each benchmark is a module with ``run(options) -> list[Figure]``; ``./scripts/bench`` runs them. No
test times anything: figures are CPU seconds, and ratios of what was measured in the same run.
"""
