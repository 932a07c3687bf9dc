"""Stories to play, read and hand on."""

from tasks.export.export import EXPORTS, export_receipt, export_story
from tasks.export.story_map import story_map_svg

__all__ = ["EXPORTS", "export_receipt", "export_story", "story_map_svg"]
