"""The life of any job: attempts and their heartbeat, shutdown, the sweep, and what the sweep removes."""
