"""Pure arithmetic on arrays: no files, clocks, logs or queue."""
