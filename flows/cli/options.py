"""Options that several commands have."""

from typing import Annotated

import typer

from tasks.calls.providers import model_help

Depth = Annotated[int, typer.Option(min=0, max=12, help="Levels of choices.")]
Breadth = Annotated[
    int, typer.Option(min=1, max=5, help="Branches followed from each scene, at most.")
]
Model = Annotated[str, typer.Option(help=f"{model_help()}.")]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Ask the model again, even for answers already paid.")
]
Scenes = Annotated[int | None, typer.Option(min=1, help="Scenes of the whole story, at most.")]
Extend = Annotated[
    str, typer.Option(metavar="STORY", help="Go on with a story's folder or JSON file.")
]
FromScene = Annotated[
    str, typer.Option("--from", metavar="SCENE", help="With --extend: give it new choices.")
]
Redo = Annotated[
    str, typer.Option(metavar="SCENE", help="With --extend: write it and all below it anew.")
]
