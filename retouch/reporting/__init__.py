"""Plan, Run and Verdict in words: the report, its figure, the explanation of a plan. Pure.

render.py    `render_report`, and the commit status and label that say the same
explain.py   `explain_plan`, `because_in_words`
figure.py    `loss_by_day_svg`
marker.py    how a report is found again
escape.py    text from outside, made harmless: nothing else gets into a template
"""
