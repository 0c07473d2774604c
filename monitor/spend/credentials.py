"""What is known of the key that may change an account's margins: from then on it is used, or it is not, and that is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor.alerts.model import Message, Subject, SubjectKind
from monitor.policy import Policy
from monitor.spend.telling import told_of
from monitor.topups.fitness import fitness_words


def judged_key(policy: Policy, exchange: str, account: str, why: str, now: datetime) -> tuple[Policy, tuple[Message, ...]]:
    """The policy with the account's key unfit because of ``why`` (empty: fit), and what there is to tell: only a change is."""
    known = policy.top_ups.unfit.get(account, "")
    if known == why:
        return policy, ()
    rest = {name: reason for name, reason in policy.top_ups.unfit.items() if name != account}
    after = replace(policy, top_ups=replace(policy.top_ups, unfit={**rest, account: why} if why else rest))
    subject = Subject(SubjectKind.ACCOUNT, exchange=exchange, account=account)
    return after, (told_of(fitness_words(exchange, account, why), subject, now, now, policy),)
