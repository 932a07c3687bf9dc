"""What is known of a published story, wherever it was published."""

from datetime import datetime

from pydantic import Field

from tasks.story.base import Id, Line, Model


class Published(Model):
    """A story on the index page. Records of older versions lack what may be None."""

    id: Id
    title: Line
    world: Line | None = None
    written_by: Line
    seed: int | None = None
    scenes: int
    endings: int | None = None
    at: datetime
    page: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}/[0-9a-f]{8}/index\.html$",
        description="`ID/VERSION/index.html`.",
    )

    @property
    def record(self) -> str:
        """The name of its record: `ID.VERSION.json`."""
        return ".".join([*self.page.split("/")[:2], "json"])
