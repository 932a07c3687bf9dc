"""Facts are chosen by terms, or by embeddings where a model is there."""

from pathlib import Path

import numpy as np
import pytest
from model2vec import StaticModel
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tasks.consistency.relevant_facts import Terms, by_embeddings
from tasks.core.errors import UserError

TEXTS = ["The boat left at dawn.", "The ship left at dusk.", "Nobody likes fish."]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that knows that a boat is a ship, and nothing else."""
    words = ["[UNK]", "boat", "ship", "fish"]
    tokenizer = Tokenizer(WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    vectors = np.array([[0, 0, 1], [1, 0, 0], [0.9, 0.1, 0], [0, 1, 0]], dtype=np.float32)
    StaticModel(vectors, tokenizer).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_terms_find_the_same_words() -> None:
    scores = Terms(TEXTS).similarity("the fish")
    assert max(scores) == scores[2] > 0


def test_embeddings_find_the_same_meaning(model: Path) -> None:
    scores = by_embeddings("ship", TEXTS, model)
    assert scores[0] > scores[2]
    assert scores[1] > scores[2]


def test_a_model_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="TALEWRIGHT_EMBEDDINGS"):
        by_embeddings("ship", TEXTS, tmp_path / "nothing")
