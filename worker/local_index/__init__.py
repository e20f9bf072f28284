"""A folder of photos with its index in the user's cache, without a service."""
