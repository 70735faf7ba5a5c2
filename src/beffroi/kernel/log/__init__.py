"""The log: what was committed, in the order of commit, and those who follow it."""

from beffroi.kernel.log.entries import Entry, Event, append, read_after
from beffroi.kernel.log.followers import Follower, Tail, Teller
from beffroi.kernel.log.group_commit import GroupCommit, Written
from beffroi.kernel.log.wake import LogWatch

__all__ = [
    "Entry",
    "Event",
    "Follower",
    "GroupCommit",
    "LogWatch",
    "Tail",
    "Teller",
    "Written",
    "append",
    "read_after",
]
