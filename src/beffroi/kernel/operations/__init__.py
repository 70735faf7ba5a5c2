"""Operations: who asked for which change, when, and how it ended."""

from beffroi.kernel.operations.model import Operation, OperationState
from beffroi.kernel.operations.service import Operations, Progress

__all__ = ["Operation", "OperationState", "Operations", "Progress"]
