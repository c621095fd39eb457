"""What a run is measured by: records, counters, histograms, the timeline, recovery."""
