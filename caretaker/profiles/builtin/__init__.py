"""Our own two device profiles, as CSV files: a home router in TR-098 and in TR-181."""
