"""The gate: may the candidate replace the model in production? Pure.

Decides, from both models' scores on the same hold-out rows, whether a candidate is promoted,
rejected, undecided for lack of data, equivalent, or whether the comparison is invalid. Losses are
compared per row (gain = production's loss minus the candidate's), with days as blocks: the alerted
slice must be superior or non-inferior, all rows and required slices non-inferior, watched slices
without significant harm, and guardrails within their limits.

In: a `Comparison` of score tables (pandas frames), the promotion policy and measured numbers. Out:
a `Judgement`, with every estimate, bound and message. Reads no file and runs no process; time and
seeds are arguments or constants, so that the same scores give the same judgement.

`comparison` holds the inputs, `judge` the decision, `validity` what makes it invalid, `hypotheses`,
`checks` and `messages` the tests, `block_jackknife` their statistics, `guardrails` one function for
each kind, `evidence` what a report shows besides; `shadow` compares without labels, `canary` after
the merge.
"""
