"""The life of a job, whatever it does: attempts, leases, the sweep and what it clears away."""
