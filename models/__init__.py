"""The model of the service: what web and worker must agree on."""
