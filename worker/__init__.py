"""The worker: pictures in, arrays in between, pictures out."""
