"""Tasks share the room in training by their weights."""

from training.data.mixing import shares


def test_a_weight_says_how_often_a_row_is_seen() -> None:
    assert shares({None: 40, "a": 10, "b": 10}, {"a": 2.0, "b": 0.5}, most=None) == {None: 40, "a": 20, "b": 5}


def test_where_room_is_short_every_task_gives_up_the_same_share() -> None:
    assert shares({None: 40, "a": 10, "b": 10}, {"a": 2.0}, most=35) == {None: 20, "a": 10, "b": 5}
    assert sum(shares({None: 7, "a": 7, "b": 7}, {}, most=10).values()) == 10


def test_without_tasks_nothing_changes() -> None:
    assert shares({None: 12}, {}, most=None) == {None: 12}
    assert shares({None: 12}, {"a": 3.0}, most=5) == {None: 5}
    assert shares({}, {}, most=5) == {}
