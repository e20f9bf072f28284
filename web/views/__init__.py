"""The pages: plain HTML that works without scripts; a page of unfinished work keeps itself up to date."""

from flask import Blueprint

from web.views import (
    batches,
    beside,
    candidates,
    drafts,
    edits,
    events,
    finding,
    health,
    home,
    keeping,
    login,
    metrics,
    mosaics,
    photos,
    service,
    sharing,
    styles,
    tile_sets,
    trash,
    zoom,
)

MINUTE_SECONDS, HOUR_SECONDS = 90, 5_400
"""From how many seconds on a time span is shown in minutes, and in hours."""


def span(seconds: float) -> str:
    """Return a time span as text for people.

    Example:
        >>> span(3.2), span(140), span(9_000)
        ('3 s', '2 min', '2.5 h')
    """
    if seconds < MINUTE_SECONDS:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < HOUR_SECONDS else f"{seconds / 3_600:.1f} h"


def blueprints() -> list[Blueprint]:
    """Return every page."""
    return [
        home.bp,
        login.bp,
        tile_sets.bp,
        photos.bp,
        mosaics.bp,
        drafts.bp,
        edits.bp,
        beside.bp,
        candidates.bp,
        finding.bp,
        batches.bp,
        events.bp,
        keeping.bp,
        trash.bp,
        service.bp,
        sharing.bp,
        zoom.bp,
        health.bp,
        metrics.bp,
        styles.bp,
    ]
