"""The statistics, for Prometheus. The meaning of each number is in docs/reference/metrics.md."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from models import database, statistics
from models.rules.lifecycle import AttemptEnd
from models.statistics import WAIT_BOUNDS, Figures, Waits
from web.context import reading
from web.problems import METRICS_PATH

bp = Blueprint("metrics", __name__)


@bp.get(METRICS_PATH)
def show() -> Response:
    """Count everything, and answer in the text format."""
    with reading() as session:
        figures = statistics.count(session, database.now(session))
    registry = CollectorRegistry()
    registry.register(FiguresCollector(figures))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


@dataclass(frozen=True, eq=False)
class FiguresCollector(Collector):
    """The figures of one scrape, under the names of the metrics."""

    figures: Figures

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from self._of_jobs()
        yield self._photos_left()
        yield from self._of_attempts()
        yield self._waits()
        yield self._phases()
        yield from self._of_store()

    def _of_jobs(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily(
            "tessera_jobs",
            "Jobs there are. Many queued ones of one lane: it needs more workers. Failed ones that grow: see why.",
            labels=("kind", "lane", "state"),
        )
        for key, number in self.figures.jobs.items():
            jobs.add_metric(key, number)
        yield jobs
        oldest = GaugeMetricFamily(
            "tessera_oldest_queued_job_age_seconds",
            "How long the job that has waited longest has waited; 0 when none waits. Alert on it: it grows without "
            "end when no worker serves the lane.",
            labels=("lane",),
        )
        for lane, age in self.figures.oldest.items():
            oldest.add_metric((lane,), age.total_seconds())
        yield oldest
        yield CounterMetricFamily(
            "tessera_failed_publishes",
            "Messages that Redis did not take; the sweep rings again for their jobs. Growing: look at Redis.",
            value=self.figures.failed_rings,
        )

    def _photos_left(self) -> Metric:
        return GaugeMetricFamily(
            "tessera_photos_to_index",
            "Photos that indexing jobs have listed and not yet looked at. Not falling while jobs run: look at them.",
            value=self.figures.photos_left,
        )

    def _of_attempts(self) -> Iterator[Metric]:
        ended = CounterMetricFamily(
            "tessera_attempts",
            "Attempts at jobs that ended, by how. The share of failed and expired ones is what to watch.",
            labels=("kind", "outcome"),
        )
        for key, number in self.figures.ended.items():
            ended.add_metric(key, number)
        yield ended
        running = GaugeMetricFamily(
            "tessera_running_attempts",
            "Attempts that go on. As many as there are worker processes, and jobs queued: more workers are needed.",
            labels=("kind",),
        )
        for kind, number in self.figures.going_on.items():
            running.add_metric((kind,), number)
        yield running
        yield CounterMetricFamily(
            "tessera_expired_leases",
            "Attempts whose worker was killed, froze or lost the database. Growing: look at the workers' memory.",
            value=sum(number for (_, end), number in self.figures.ended.items() if end is AttemptEnd.EXPIRED),
        )

    def _waits(self) -> Metric:
        waits = HistogramMetricFamily(
            "tessera_job_wait_seconds",
            "How long jobs waited for each attempt. A high quantile that grows: more workers are needed.",
            labels=("lane",),
        )
        for lane, waited in self.figures.waits.items():
            waits.add_metric((lane,), buckets=_buckets(waited), sum_value=waited.seconds)
        return waits

    def _phases(self) -> Metric:
        phases = SummaryMetricFamily(
            "tessera_phase_seconds",
            "How long the phases of attempts took. The rate of the sum says where the time goes.",
            labels=("kind", "phase"),
        )
        for row in self.figures.phases:
            phases.add_metric((row.kind, row.phase), count_value=row.count, sum_value=row.seconds)
        return phases

    def _of_store(self) -> Iterator[Metric]:
        seen = self.figures.store
        yield GaugeMetricFamily(
            "tessera_store_look_timestamp_seconds",
            "When the store was last looked through. Not growing: no sweep runs, or the store is not joined.",
            value=seen.looked_at.timestamp() if seen.looked_at else 0,
        )
        yield GaugeMetricFamily("tessera_store_blobs", "Blobs in the store, at the last look.", value=seen.blob_count)
        yield GaugeMetricFamily(
            "tessera_withheld_blobs",
            "Blobs that no row speaks of, too many to be cleared away unasked. Above 0: see tessera garbage.",
            value=seen.withheld_count,
        )
        yield GaugeMetricFamily(
            "tessera_trash_blobs", "Blobs in the trash, at the last look.", value=seen.trash_count
        )
        yield GaugeMetricFamily("tessera_trash_bytes", "How large they are together.", value=seen.trash_bytes)


def _buckets(waited: Waits) -> list[tuple[str, float]]:
    """Return pairs of a bound and how many waited at most so long; the last bound is infinite."""
    counted = [(str(bound), float(number)) for bound, number in zip(WAIT_BOUNDS, waited.counts, strict=True)]
    return [*counted, ("+Inf", float(waited.count))]
