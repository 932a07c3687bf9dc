"""What a person let stand: decisions with their reasons, kept in a YAML file beside the story."""

from pathlib import Path

from pydantic import Field

from tasks.core.quotes import fold
from tasks.core.validation import validated
from tasks.core.yaml import read_yaml
from tasks.story.base import Line, Model
from tasks.story.verdict import Issue


class AcceptedFinding(Model):
    """'This is intended': one check's finding on certain words, and why it may stand."""

    check: Line = Field(description="Id of the check, e.g. 'D2'.")
    quote: Line = Field(description="The words it objected to.")
    reason: Line = Field(description="Why it is meant to be so.")

    def covers(self, issue: Issue) -> bool:
        """Whether an issue is the one that was decided on."""
        return issue.check == self.check and fold(self.quote) in fold(issue.quote)


def read_accepted(path: Path) -> list[AcceptedFinding]:
    """The decisions of a file; none if there is no file. Raises InputError."""
    return validated(list[AcceptedFinding], read_yaml(path, "list")) if path.exists() else []
