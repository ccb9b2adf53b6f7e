"""The first screen: what a reviewer decides on, in at most twenty lines."""

from __future__ import annotations

from dataclasses import dataclass

from retouch.reporting.case import Case
from retouch.reporting.checks import first_checks, shown_first
from retouch.reporting.cost import cost
from retouch.reporting.escape import Markdown, code, join, write
from retouch.reporting.layout import Room
from retouch.reporting.notes import (
    names_of,
    overridden_first,
    told,
    tried_first,
    what_ran,
    why_now,
)
from retouch.reporting.numbers import plural
from retouch.reporting.sentence import sentence
from retouch.reporting.table import Table
from retouch.reporting.warnings import warnings_of


@dataclass(frozen=True)
class Screen:
    """The values of the first screen, in the order they are read."""

    heading: Markdown
    moved: Markdown | None
    sentence: Markdown
    merging: Markdown
    table: Table | None
    overridden: tuple[Markdown, ...]
    """Whose word stands against the gate's, and why: a line each."""
    notes: tuple[Markdown, ...]
    """Why now, what ran, what it cost, and at most one warning: a line each."""


def first_screen(case: Case, room: Room) -> Screen:
    """Put a case into the words and numbers of its first screen."""
    words = case.words
    warnings = warnings_of(case, room, shown_first(case, room))
    notes = [
        why_now(case, room),
        told(case, room),
        tried_first(case, room),
        what_ran(case, room),
        cost(case, room),
    ]
    if warnings and room.warning:
        more = len(warnings) - 1
        notes.append(write("⚠️ {}{}", warnings[0], write(" ({} more below.)", more) if more else ""))
    return Screen(
        heading=write(
            "{} Retouch {} — {}",
            Markdown(words.emoji),
            code(case.plan.model, room.name),
            Markdown(case.message),
        ),
        moved=_moved(case, room),
        sentence=sentence(case, room),
        merging=_merging(case, room),
        table=first_checks(case, room),
        overridden=overridden_first(case, room),
        notes=tuple(note for note in notes if note),
    )


def _moved(case: Case, room: Room) -> Markdown | None:
    if not case.moved:
        return None
    return write(
        "`main` moved {} → {}: {} will run again. What follows is for the old base.",
        code(case.plan.base_commit[:7]),
        code(case.moved.to_commit[:7]),
        names_of(case.moved.stages, room) or Markdown("the plan"),
    )


def _merging(case: Case, room: Room) -> Markdown:
    """Say what merging does, and what it does not."""
    changes = write("Merging commits the change to {} and `dvc.lock`", _files(case, room))
    match case.standing:
        case "promote":
            return write(
                "{}; {}.{}",
                changes,
                _goes_to(case),
                Markdown(" No code and no policy changes.") if room.scope else "",
            )
        case "repaired":
            return write("{}, so that the repair is on record; {}.", changes, _model_after(case))
        case "equivalent" if case.kept:
            return write("{}; {}.", changes, _model_after(case))
        case "held":
            return Markdown(
                "Nothing was run: merging records the alert and this report, and changes no model."
            )
        case "stale":
            return Markdown("Nothing to merge until the report is for the new base.")
        case "retraining":
            return Markdown("Nothing to merge yet: the verdict will stand here.")
        case _ if case.kept:
            return Markdown(
                "The candidate is still in this branch: merging would commit it without a pass."
            )
        case _:
            return Markdown(
                "The workspace was put back: merging this report changes no model, no data and"
                " no parameter."
            )


def _model_after(case: Case) -> Markdown:
    if case.same_model:
        return Markdown("the model in production stays as it is")
    return _goes_to(case)


def _goes_to(case: Case) -> Markdown:
    if case.verdict is not None and case.verdict.on_merge == "canary":
        return Markdown("the merged model is a canary until the next days confirm it")
    return Markdown("the merged model becomes the one in production")


def _files(case: Case, room: Room) -> Markdown:
    files = sorted({edit.file for edit in case.tier.edits}) if case.tier else []
    if len(files) > 2:
        return plural(len(files), "params file")
    return join(", ", [code(file, room.name) for file in files]) or Markdown("the params")
