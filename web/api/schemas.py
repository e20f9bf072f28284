"""What the API takes and gives in many places: a name, and where the work stands."""

from apiflask.fields import Boolean, DateTime, Enum, Float, Integer, Nested, String

from models.rules.lifecycle import JobState
from web.api.fields import COUNT, FORMS, SHARE, Shown, Strict, a_name, said


class NameIn(Strict):
    """Another name."""

    media_types = ("application/json", *FORMS)

    name = a_name(required=True)


class ErrorOut(Shown):
    """Why a job failed."""

    code = String(metadata=said("Stable, for programs.", examples=["crashed"]))
    detail = String(metadata=said("One sentence, for people."))


class JobOut(Shown):
    """Where the work stands."""

    state = Enum(JobState, by_value=True, metadata=said("The last three are final."))
    final = Boolean(metadata=said("Whether nothing will change any more."))
    phase = String(metadata=said("What is being done; empty before anything was.", examples=["matching"]))
    progress = Float(metadata=said("Share of the work done.", **SHARE))
    attempt = Integer(metadata=said("How often a worker began.", **COUNT))
    error = Nested(ErrorOut, allow_none=True, metadata=said("Why it failed, if it did."))
    created_at = DateTime(format="iso", metadata=said("When it was ordered, UTC."))
    finished_at = DateTime(format="iso", allow_none=True, metadata=said("When it became final, UTC."))
