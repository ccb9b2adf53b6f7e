"""Plan, Run and Verdict as text: reports, pull requests, comments, issues, figures.

Decides: how the documents of one alert are worded, what a reviewer sees first, and what is left
out when there is no room. Touches nothing: no file, no clock, no GitHub; only its own templates
are read. Flows in: frozen documents (Plan, Run, Verdict, Shadow, CanaryVerdict) and plain values.
Flows out: Markdown, single lines for titles and commit statuses, SVG bytes by file name.

report        `render_report`, the commit status and the label that go with it
summary       the first screen; layout has its budget, notes, checks, guardrails and cost its parts
evidence      the sections below it: figures, shadow comparison, provenance
plan          edits, stages and why they run, the value rule, attempts; `explain_plan`
incident      what a person needs when a guardrail halted the run
pull_request  the texts of an alert's and of a retraining's pull request
release       the texts of a release, a canary's result, a rollback and its revert
figures/      the SVGs beside a report
case          the documents side by side, and the status they amount to; status_labels words it
marker        the hidden first line by which a report is found again
escape        text from outside, made harmless; template lets nothing else through
numbers       numbers as a person reads them
"""
