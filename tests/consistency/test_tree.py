"""The words of a sentence, whatever tree the parser made of it."""

from tasks.consistency.language.names import Mention
from tasks.consistency.language.parser import Token
from tasks.consistency.language.tree import Written, words

TEXT = "Mother Hild ran"
NAME = Mention(0, 11, "character", "hild", True)


def test_a_name_of_two_words_makes_no_circle() -> None:
    # The name hangs where its first word does, on a verb that hangs on its second.
    tree = (
        Token("Mother", 0, "mother", "NNP", "nsubj", 2),
        Token("Hild", 7, "hild", "NNP", "ROOT", 1),
        Token("ran", 12, "run", "VBD", "relcl", 1),
    )
    name, ran = words(TEXT, Written(TEXT, ()), tree, [NAME])
    assert name.text == "Mother Hild"
    assert ran not in (name.head, name) or ran.head is ran
