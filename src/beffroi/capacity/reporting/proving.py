"""What a report tells of the proof: rules looked at, losses replayed."""

from collections.abc import Iterator
from typing import Final

from beffroi.capacity.model import Plan, Replay
from beffroi.capacity.reporting.sheet import Section, heads, reason_told, word
from beffroi.kernel.catalogue import Language, sentence

_BREACHES_MOST: Final = 10
_REPLAYS_MOST: Final = 200


def proof_sections(plan: Plan, language: Language) -> Iterator[Section]:
    """Tell each rule with how often it was looked at, then each loss."""
    checks = plan.proof.checks
    yield Section(
        heading=word(language, "sections.checks"),
        told=word(language, "checks_told"),
        heads=heads(language, "rule", "looked_at", "result"),
        right=(1,),
        rows=tuple(
            (
                sentence(language, f"capacity.rules.{one.rule}"),
                str(one.looked_at),
                sentence(
                    language, f"capacity.pages.check_states.{'ok' if one.holds else 'failed'}"
                ),
            )
            for one in checks
        ),
        notes=tuple(
            reason_told(breach.code, breach.values, language)
            for one in checks
            for breach in one.breaches[:_BREACHES_MOST]
        ),
    )
    replays = plan.proof.replays
    yield Section(
        heading=word(language, "sections.losses"),
        told=word(language, "losses_told" if replays else "no_losses"),
        heads=heads(language, "lost", "restarted", "shed", "stranded") if replays else (),
        right=(1, 2),
        wide=3,
        rows=tuple(_replay(one, language) for one in replays[:_REPLAYS_MOST]),
    )


def _replay(replay: Replay, language: Language) -> tuple[str, ...]:
    lost = replay.lost
    return (
        sentence(language, "capacity.pages.site_lost", name=lost) if replay.is_site else lost,
        str(len(replay.restarted)),
        str(len(replay.shed)),
        ", ".join(replay.stranded) or sentence(language, "capacity.pages.replay_states.ok"),
    )
