"""The terminal of a master: the screen or the lines of a run that goes on, and what is printed."""
