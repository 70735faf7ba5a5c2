"""Keeps the sections ``register`` and ``policies`` of a declared file."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.flows.model import ChangeKind, DeclarationChange
from beffroi.exchange.governance import rule_store
from beffroi.exchange.governance.checking import mistakes_of_policy, treatment_mistakes
from beffroi.exchange.governance.declared import Policy, Treatment
from beffroi.exchange.governance.errors import RuleRefusedError
from beffroi.exchange.governance.retaining import keep_retentions
from beffroi.exchange.governance.rule_store import HeldPolicy, HeldTreatment, RuleKind
from beffroi.exchange.governance.service import bare, tell_changed
from beffroi.kernel.database import Connection
from beffroi.territory.findings import Mistake


class RuleKeeper:
    """What ``beffroi exchange apply`` does with an organisation's rules."""

    async def compare(
        self, connection: Connection, organisation: str, given: GivenDeclarations
    ) -> Sequence[DeclarationChange]:
        """Tell what keeping them would change.

        Raises:
            RuleRefusedError: One of them contradicts itself.
        """
        treatments, policies = given.declared.register, given.declared.policies
        for treatment in treatments.values():
            _refuse(treatment.name, list(treatment_mistakes(treatment)))
        for policy in policies.values():
            _refuse(policy.name, list(mistakes_of_policy(policy)))
        held_treatments = await rule_store.treatments(connection, organisation)
        held_policies = await rule_store.policies(connection, organisation)
        return [
            *_changes("treatment", _of(held_treatments, given.source), treatments),
            *_changes("policy", _of(held_policies, given.source), policies),
        ]

    async def keep(
        self, connection: Connection, organisation: str, given: GivenDeclarations
    ) -> None:
        """Keep them in the place of what the same file declared before."""
        if not await self.compare(connection, organisation, given):
            return
        treatments, policies = given.declared.register, given.declared.policies
        before = await rule_store.treatments(connection, organisation)
        rules: list[Treatment | Policy] = [*treatments.values(), *policies.values()]
        for rule in rules:
            await rule_store.keep(connection, organisation, given.source, rule, given.source)
        for kind, names in ((RuleKind.TREATMENT, treatments), (RuleKind.POLICY, policies)):
            await rule_store.drop_others(
                connection, organisation, kind, given.source, sorted(names)
            )
        after = await rule_store.treatments(connection, organisation)
        await keep_retentions(connection, organisation, bare(before), bare(after))
        await tell_changed(connection, organisation)


def _refuse(name: str, mistakes: Sequence[Mistake]) -> None:
    if mistakes:
        raise RuleRefusedError(name, mistakes)


def _of(
    held: Sequence[HeldTreatment] | Sequence[HeldPolicy], source: str
) -> Mapping[str, tuple[str, Treatment | Policy]]:
    return {
        one.name: (one.source, one.treatment if isinstance(one, HeldTreatment) else one.policy)
        for one in held
        if one.source in ("", source)
    }


def _changes(
    noun: str,
    held: Mapping[str, tuple[str, Treatment | Policy]],
    given: Mapping[str, Treatment] | Mapping[str, Policy],
) -> Iterator[DeclarationChange]:
    for name, rule in given.items():
        if name not in held:
            yield DeclarationChange(ChangeKind.ADDED, noun, name)
        elif held[name][1] != rule:
            yield DeclarationChange(ChangeKind.CHANGED, noun, name, _differing(held[name][1], rule))
    for name, (source, _) in held.items():
        if source and name not in given:
            yield DeclarationChange(ChangeKind.ENDED, noun, name)


def _differing(before: Treatment | Policy, after: Treatment | Policy) -> tuple[str, ...]:
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    return tuple(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))
