"""The pages: plain HTML that works without a script; a page that waits refreshes itself."""

from flask import Blueprint

from web.views import batches, health, home, login, metrics, mosaics, tile_sets


def blueprints() -> list[Blueprint]:
    """Return every page."""
    return [home.bp, login.bp, tile_sets.bp, mosaics.bp, batches.bp, health.bp, metrics.bp]
