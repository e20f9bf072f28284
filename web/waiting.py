"""How far unfinished work is, in plain words, as the fragment of a page that is shown again and again."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from flask import Flask
from sqlalchemy.orm import Session, sessionmaker

from models import waiting
from models.rules.lifecycle import JobState
from models.tables import Job
from models.waiting import Waited
from web.streams import Frame, Look, Subject

PHASES = {
    "": "Starting",
    "rebuilding": "Reading the photos once more",
    "reading": "Looking at your picture",
    "matching": "Choosing a photo for each cell",
    "fetching tiles": "Opening the photos",
    "composing": "Laying the photos",
    "encoding": "Writing the file",
    "storing": "Putting the file away",
    "listing": "Finding the photos",
    "indexing": "Learning the colours of the photos",
    "merging": "Putting the set together",
}
"""What a phase is called on a page; one that is not here is called by its own name."""
THINGS = {"fetching tiles": "photos", "composing": "cells", "indexing": "photos"}
"""What a phase counts, where that tells a person something."""
ENDS = {JobState.SUCCEEDED: "Done", JobState.FAILED: "It did not work", JobState.CANCELLED: "Cancelled"}


class Laid(NamedTuple):
    """A picture of what is laid so far: its name, and what share of the height it is."""

    name: str
    share: float


def register(app: Flask) -> None:
    """Let templates say how far a job is."""
    app.jinja_env.filters["in_words"] = in_words
    app.jinja_env.filters["things"] = THINGS.get
    app.jinja_env.filters["laid"] = laid


def looking(app: Flask, reading: sessionmaker[Session]) -> Look:
    """Return what `Streams` ask: the fragments of many jobs."""
    template = app.jinja_env.get_template("parts/progress.html")

    def look(subjects: Collection[Subject]) -> Mapping[Subject, Frame]:
        with reading() as session:
            found = waiting.look(session, {subject.job_id for subject in subjects})
        far = template.module.far  # type: ignore[attr-defined] # a macro of the template
        frames = {}
        for subject in subjects:
            if seen := found.get(subject.job_id):
                frames[subject] = Frame(str(far(seen.job, subject.address, seen)).strip(), seen.job.state.final)
        return frames

    return look


def in_words(job: Job, seen: Waited | None = None) -> str:
    """Return what a job is doing, as a few words.

    Example:
        >>> in_words(Job(state=JobState.RUNNING, phase="composing"))
        'Laying the photos'
    """
    if job.state is JobState.RUNNING:
        return PHASES.get(job.phase, job.phase.capitalize())
    if job.state is JobState.QUEUED:
        return "Waiting for a worker" if seen is None or seen.before is None else _place(seen.before)
    return ENDS[job.state]


def _place(before: int) -> str:
    if before == 0:
        return "Waiting for a worker: it is next"
    return f"Waiting for a worker: {before:,} order{'' if before == 1 else 's'} before it"


def laid(job: Job) -> Laid | None:
    """Return the picture of what a job has laid so far; None if there is none.

    Example:
        >>> laid(Job(state=JobState.RUNNING, attempt=2, partial_key="mosaics/1/7-2/partial-417.jpg"))
        Laid(name='2-417', share=0.417)
    """
    if job.partial_key is None or job.state.final:
        return None
    number = job.partial_key.rpartition("-")[2].removesuffix(".jpg")
    return Laid(f"{job.attempt}-{number}", int(number) / 1_000)
