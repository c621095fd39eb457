"""What a run has shown: its summary, checks, service levels, reports, comparisons."""
