"""Is it worth its cost? Doing nothing, each tier of the ladder and a full run, side by side.

Gain and chance come from what the gate measured for like alerts of the past; docs/value.md tells
the rule with an example. All amounts are CPU seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from statistics import fmean

from retouch.documents import Value
from retouch.planning.budget import seconds
from retouch.planning.model import Option, SkippedTier, TierPlan, ValueEstimate
from retouch.policy.model import ValueRule

NOTHING, FULL = "nothing", "full"
LADDER_STANDS = "the ladder stands as the rules have it."


class Episode(Value):
    """One tier that was tried for earlier alerts, and the gate's result for its candidate."""

    families: tuple[str, ...]
    """Of the alerts it was tried for."""
    where: tuple[str, ...] = ()
    """The alerted slice in words, a predicate each; empty: all rows."""
    tier: str
    passed: bool
    gain: float | None = None
    """Mean gain per prediction of the alerted slice; None: nothing was measured."""
    share: float | None = None
    """Of the hold-out's rows, those of the slice."""
    overall_gain: float | None = None
    """Mean gain per prediction over all rows."""


class ValueRequest(Value):
    """What the value rule needs to know of the alerts to answer."""

    families: tuple[str, ...]
    where: tuple[str, ...] = ()
    by_person: bool = False
    """A person asked for it: nothing is skipped."""
    whole: frozenset[str] = frozenset()
    """The policy's tiers that edit the whole model."""


def weigh(
    tiers: Sequence[TierPlan],
    full_cpu_seconds: float,
    rule: ValueRule,
    request: ValueRequest,
    past: Sequence[Episode],
) -> ValueEstimate:
    """Compare doing nothing, the tiers of the ladder and, if it is not one of them, a full run."""
    options = [Option(name=NOTHING, gain=0.0, benefit_cpu_seconds=0.0, net_cpu_seconds=0.0)]
    for tier in tiers:
        like = _like(past, request, frozenset([tier.tier]))
        options.append(_option(tier.tier, tier.forecast.cpu_seconds, like, rule, request, past))
    if not any(tier.tier in request.whole for tier in tiers):
        like = _like(past, request, request.whole)
        options.append(_option(FULL, full_cpu_seconds, like, rule, request, past))
    best = _best([o for o in options if o.name == NOTHING or o.episodes >= rule.least_episodes])
    informed = [o for o in options[1:] if o.episodes >= rule.least_episodes]
    return ValueEstimate(
        options=tuple(options),
        best=best.name if informed else None,
        message=_message(options, informed, best, tiers, rule, request),
    )


def not_worth_it(
    worth: ValueEstimate,
    tiers: Sequence[TierPlan],
    rule: ValueRule,
    request: ValueRequest,
    too_dear: frozenset[str] = frozenset(),
) -> tuple[SkippedTier, ...]:
    """Return the tiers that are skipped for what they are worth, each with its numbers.

    Only tiers that must improve the slice, and have a history, are spoken of: those worth nothing,
    and those before the one that is worth most. Repairs are done for what is right. `too_dear`:
    tiers the budget has no room for; no cheaper one makes way for them.
    """
    if request.by_person:
        return ()
    judged = [
        option
        for tier, option in zip(tiers, worth.options[1:], strict=False)  # `nothing` comes first
        if tier.must == "improve"
        and option.episodes >= rule.least_episodes
        and tier.tier not in too_dear
    ]
    best = judged.index(_best(judged)) if judged else 0
    return tuple(
        SkippedTier(tier=option.name, reason=reason)
        for position, option in enumerate(judged)
        if (reason := _reason(option, judged[best] if position < best else None))
    )


def _reason(option: Option, better: Option | None) -> str | None:
    """Return why a tier is skipped, None when it is not; `better` comes after it."""
    if _net(option) <= 0:
        return _not_its_cost(option)
    return _less_than(option, better) if better else None


def _like(past: Sequence[Episode], request: ValueRequest, tiers: frozenset[str]) -> list[Episode]:
    """Return the episodes of like alerts: of the same family, answered by one of these tiers."""
    families = set(request.families)
    return [e for e in past if e.tier in tiers and not families.isdisjoint(e.families)]


def _option(
    name: str,
    cpu_seconds: float,
    like: Sequence[Episode],
    rule: ValueRule,
    request: ValueRequest,
    past: Sequence[Episode],
) -> Option:
    cost = _bounded(cpu_seconds + rule.fixed_cost / timedelta(seconds=1))
    if not like:
        return Option(name=name, cost_cpu_seconds=cost)
    whole = name == FULL or name in request.whole
    accepted = [episode for episode in like if episode.passed]
    gains = [e.overall_gain if whole else e.gain for e in accepted]
    gain = _shrunk([gain for gain in gains if gain is not None], rule.pseudo_episodes)
    chance = (1 + len(accepted)) / (2 + len(like))
    share = 1.0 if whole else _share(like, request, past)
    predictions = rule.predictions_per_day * share * (rule.horizon / timedelta(days=1))
    benefit = _bounded(chance * gain * predictions * rule.worth_of_one)
    return Option(
        name=name,
        episodes=len(like),
        accepted=len(accepted),
        gain=gain,
        chance=chance,
        benefit_cpu_seconds=benefit,
        cost_cpu_seconds=cost,
        net_cpu_seconds=_bounded(benefit - cost),
    )


def _shrunk(gains: Sequence[float], pseudo_episodes: float) -> float:
    """Return the mean gain, as if so many more alerts had gained nothing."""
    weight = len(gains) + pseudo_episodes
    return _bounded(sum(gain / weight for gain in gains)) if gains else 0.0


def _share(like: Sequence[Episode], request: ValueRequest, past: Sequence[Episode]) -> float:
    """Return the slice's share of the predictions: its last known one, else that of like alerts."""
    if not request.where:
        return 1.0
    same = [e.share for e in past if e.where == request.where and e.share is not None]
    known = [e.share for e in like if e.share is not None]
    return same[-1] if same else fmean(known or [0.0])


def _best(options: Sequence[Option]) -> Option:
    return max(options, key=_net)  # the first of equals: the cheaper one


def _net(option: Option) -> float:
    return option.net_cpu_seconds or 0.0


def _bounded(value: float) -> float:
    """Keep a number one that can be written down, however absurd what it was made from."""
    return max(-1e300, min(1e300, value))


def _not_its_cost(option: Option) -> str:
    return (
        f"It is not worth its cost: {seconds(_net(option))} of CPU net. {_history(option)} A gain"
        f" of {option.gain:.3g} a prediction is expected, worth"
        f" {seconds(option.benefit_cpu_seconds or 0.0)}; it costs"
        f" {seconds(option.cost_cpu_seconds)}."
    )


def _less_than(option: Option, best: Option) -> str:
    return (
        f"{best.name} is expected to be worth more: {seconds(_net(best))} of CPU net against"
        f" {seconds(_net(option))}. {_history(option)}"
    )


def _history(option: Option) -> str:
    return f"{option.accepted} of {option.episodes} candidates for like alerts passed."


def _message(
    options: Sequence[Option],
    informed: Sequence[Option],
    best: Option,
    tiers: Sequence[TierPlan],
    rule: ValueRule,
    request: ValueRequest,
) -> str:
    if not informed:
        most = max(option.episodes for option in options)
        if not most:
            return f"No like alert in the past: {LADDER_STANDS}"
        return (
            f"Too few like alerts in the past, {most} of the {rule.least_episodes} that are"
            f" needed: {LADDER_STANDS}"
        )
    others = [option for option in (*informed, options[0]) if option is not best]
    against = " and ".join(f"{seconds(_net(o))} of {_named(o.name)}" for o in others)
    in_ladder = best.name in {tier.tier for tier in tiers}
    name = best.name if in_ladder else _named(best.name).capitalize()
    message = f"{name} is worth most: {seconds(_net(best))} of CPU net, against {against}."
    if best.name == FULL and not in_ladder:
        message += " The rules do not allow it for this alert."
    return f"{message} A person asked, so {LADDER_STANDS}" if request.by_person else message


def _named(option: str) -> str:
    return {NOTHING: "doing nothing", FULL: "a full run"}.get(option, option)
