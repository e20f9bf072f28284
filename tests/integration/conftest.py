"""Tile sets and mosaics that were made by the jobs themselves, without a queue."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from flask.testing import FlaskClient

from models.placing import NewSource, StoredFile, place_mosaic, place_tile_set
from models.rules import blob_keys
from models.rules.orders import MosaicOrder
from models.rules.tile_set_words import SourceKind
from models.services import Services
from web.app import assemble
from worker.indexing import job as indexing_job
from worker.jobs import attempt
from worker.rendering import job as rendering_job


@pytest.fixture
def client(services: Services) -> FlaskClient:
    """A visitor of the pages and of the API."""
    return assemble(services).test_client()


@pytest.fixture
def set_of(services: Services, encoded: Callable[..., bytes]) -> Callable[[Sequence[tuple[str, np.ndarray]]], UUID]:
    """Make an indexed tile set of named photos, and return its id."""

    def make(photos: Sequence[tuple[str, np.ndarray]]) -> UUID:
        identity, sources = uuid4(), []
        for number, (name, pixels) in enumerate(photos):
            key = blob_keys.upload(identity, str(number))
            services.store.put(key, encoded(pixels))
            sources.append(NewSource(SourceKind.PHOTO, name, key))
        with services.sessions.begin() as session:
            bell = place_tile_set(session, identity, "photos", sources, services.ring_again)
        attempt.run(services, bell.job_id, indexing_job.index_tile_set)
        return identity

    return make


@pytest.fixture
def noisy_set(set_of: Callable[..., UUID], noise: Callable[..., np.ndarray]) -> Callable[[int], UUID]:
    """Make an indexed tile set of so many photos of 60 x 40 pixels, and return its id."""
    return lambda count: set_of([(f"{number}.png", noise(40, 60, number)) for number in range(count)])


@pytest.fixture
def mosaic_of(services: Services, target: bytes) -> Callable[..., UUID]:
    """Order a mosaic of a tile set, make it unless it is to wait, and return its id."""

    def order(tile_set: UUID, *, made: bool = True, **fields: Any) -> UUID:
        identity = uuid4()
        stored = StoredFile("t.png", blob_keys.target(identity))
        services.store.put(stored.key, target)
        with services.sessions.begin() as session:
            bell = place_mosaic(session, identity, tile_set, stored, MosaicOrder(**fields), services.ring_again)
        if made:
            attempt.run(services, bell.job_id, rendering_job.render_mosaic)
        return identity

    return order
