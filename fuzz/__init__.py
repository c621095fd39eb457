"""Coverage-guided fuzzing of every parser that meets the network or a user's file."""
