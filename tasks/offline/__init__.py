"""The offline writer: stories without a model, from the world's own facts."""

from tasks.offline.writer import OfflineWriter

__all__ = ["OfflineWriter"]
