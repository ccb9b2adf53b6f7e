"""Runs of workflows on GitHub: their jobs and the end of a job's log."""

from __future__ import annotations

import re

from retouch.errors import RetouchError
from retouch.github.repository import Line, Repository, ResponseModel

_RUN = re.compile(r"https?://[^\s?#]+/actions/runs/([1-9][0-9]{0,18})/attempts/([1-9][0-9]{0,5})")
_PER_PAGE = 100
_MOST_PAGES = 10


class Job(ResponseModel):
    """A job of one attempt of a run."""

    id: int
    name: Line
    status: str
    conclusion: str | None = None
    """None while it runs."""


class _Jobs(ResponseModel):
    total_count: int
    jobs: tuple[Job, ...]

    model_config = {**ResponseModel.model_config, "strict": False}


def jobs_of_run(repo: Repository, url: str) -> tuple[Job, ...] | None:
    """Return the jobs of an attempt of a run by its address.

    None for any other address, and where this token may not read runs.
    """
    found = _RUN.fullmatch(url)
    if found is None:
        return None
    path = repo.path("actions/runs", found[1], "attempts", found[2], "jobs")
    jobs: list[Job] = []
    try:
        for number in range(1, _MOST_PAGES + 1):
            page = repo.parse(_Jobs, repo.client.get(path, per_page=_PER_PAGE, page=number))
            jobs += page.jobs
            if len(page.jobs) < _PER_PAGE:
                break
    except RetouchError:
        return None
    return tuple(jobs)


def is_running(repo: Repository, url: str | None) -> bool | None:
    """Tell whether a job of this run is queued or at work; None where that is unknown."""
    jobs = jobs_of_run(repo, url) if url else None
    return None if not jobs else any(job.status != "completed" for job in jobs)


def log_of_job(repo: Repository, job: int, *, most_bytes: int = 40_000) -> str | None:
    """Return the end of a job's log; None where it cannot be had. It may hold anything."""
    try:
        raw = repo.client.download_end(repo.path("actions/jobs", str(job), "logs"), most_bytes)
    except RetouchError:
        return None
    return raw.decode(errors="replace")
