"""The metrics that a fairness guardrail may name: a closed set, so that typos are found at once.

Functions of scikit-learn and fairlearn and two of this package. Neither is imported here, since
reading a policy need not wait for them.
"""

from __future__ import annotations

from difflib import get_close_matches

OWN_METRICS = frozenset({"bias", "interval_coverage"})
"""Mean of score minus label; share of labels within the interval."""

_OF_NUMBERS = frozenset(
    {
        "d2_absolute_error_score",
        "explained_variance_score",
        "max_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_gamma_deviance",
        "mean_pinball_loss",
        "mean_poisson_deviance",
        "mean_prediction",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "r2_score",
        "root_mean_squared_error",
        "root_mean_squared_log_error",
    }
)
OF_PROBABILITIES = frozenset(
    {"brier_score_loss", "d2_brier_score", "d2_log_loss_score", "log_loss"}
)
"""Of labels 0 and 1 and scores from 0 to 1."""

_OF_RANKS = frozenset({"average_precision_score", "roc_auc_score"})

OF_DECISIONS = frozenset(
    {
        "accuracy_score",
        "balanced_accuracy_score",
        "f1_score",
        "false_negative_rate",
        "false_positive_rate",
        "hamming_loss",
        "jaccard_score",
        "matthews_corrcoef",
        "precision_score",
        "recall_score",
        "selection_rate",
        "true_negative_rate",
        "true_positive_rate",
        "zero_one_loss",
    }
)
"""Of labels and decisions 0 and 1: most need a `threshold`."""

OF_TWO_LABELS = OF_PROBABILITIES | _OF_RANKS | OF_DECISIONS
"""Of labels 0 and 1."""

NEED_BOTH_LABELS = OF_TWO_LABELS - {
    "accuracy_score",
    "brier_score_loss",
    "hamming_loss",
    "selection_rate",
    "zero_one_loss",
}
"""Not defined, or 0 by convention, among rows of one label."""

IN_LABELS_UNIT = frozenset(
    {
        "bias",
        "max_error",
        "mean_absolute_error",
        "mean_prediction",
        "median_absolute_error",
        "root_mean_squared_error",
    }
)

METRICS = OWN_METRICS | _OF_NUMBERS | OF_TWO_LABELS


def known_metric(name: str) -> str:
    """Return the name of a known metric. Raises ValueError, with similar names, for another."""
    if name in METRICS:
        return name
    near = get_close_matches(name, METRICS, n=3) or [
        "mean_absolute_error",
        "bias",
        "selection_rate",
    ]
    raise ValueError(
        f"{name!r} is not a known metric (docs/guardrails.md lists them); did you mean"
        f" {' or '.join(near)}?"
    )
