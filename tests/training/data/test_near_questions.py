from training.data.near_questions import NearQuestions


def test_questions_with_most_words_in_common_are_near() -> None:
    known = NearQuestions(["How long are receipts kept?", "Who paints the mast?"])
    assert known.near("How long are the receipts kept, please?") == "how long are receipts kept"
    assert known.near("how LONG are receipts kept") is not None
    assert known.near("How long is the warranty?") is None
    assert known.near("") is None
    assert NearQuestions([]).near("How long?") is None
