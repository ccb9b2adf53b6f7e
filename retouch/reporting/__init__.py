"""Plan, Run and Verdict in words: the report, its figures, the explanation of a plan. Pure.

render.py    `render_report`, and the commit status and label that say the same
explain.py   `explain_plan`, `because_in_words`
figures/     `figures_of`: the SVGs beside it
incident.py  `render_incident`, when a guardrail ended the run
marker.py    how a report is found again
escape.py    text from outside, made harmless: nothing else gets into a template
"""
