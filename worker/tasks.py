"""The Celery tasks: a name and one call each."""

from models.queue import app
from models.rules.lifecycle import JobKind
from worker.context import services
from worker.indexing import job as indexing_job
from worker.jobs import attempt
from worker.rendering import candidates as candidates_job
from worker.rendering import job as rendering_job
from worker.rendering import sketching


@app.task(name=JobKind.RENDER.value)
def render(job_id: int) -> None:
    """Make one attempt at rendering a mosaic."""
    attempt.run(services(), job_id, rendering_job.render_mosaic)


@app.task(name=JobKind.RENDITION.value)
def rendition(job_id: int) -> None:
    """Make one attempt at another rendition of a mosaic."""
    attempt.run(services(), job_id, rendering_job.make_rendition)


@app.task(name=JobKind.CANDIDATES.value)
def candidates(job_id: int) -> None:
    """Make one attempt at finding the photos that are nearest to a cell."""
    attempt.run(services(), job_id, candidates_job.find_candidates)


@app.task(name=JobKind.SKETCH.value)
def sketch(job_id: int) -> None:
    """Make one attempt at a sketch of a draft."""
    attempt.run(services(), job_id, sketching.make_sketch)


@app.task(name=JobKind.INDEX.value)
def index(job_id: int) -> None:
    """Make one attempt at indexing a tile set; if another worker leads that job, do one of its parts."""
    if not attempt.run(services(), job_id, indexing_job.index_tile_set):
        indexing_job.help_out(services(), job_id)
