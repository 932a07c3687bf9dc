"""Calls that can wait, sent as batch jobs at half the price."""

from tasks.llm.batch.batches import Batches
from tasks.llm.batch.level import Level

__all__ = ["Batches", "Level"]
