"""Coverage-guided fuzzing of every parser that meets the network or a user's file."""

import os

# As in tests: what Locust would patch has been imported before it.
os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")
