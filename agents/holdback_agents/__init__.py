"""The A2A agents of the house and their gateway."""

import os

# The A2A SDK makes dozens of spans a task and halves its throughput; it reads this once, at import.
os.environ.setdefault("OTEL_INSTRUMENTATION_A2A_SDK_ENABLED", "false")
