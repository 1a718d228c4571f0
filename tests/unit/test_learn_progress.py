from linernotes.learn.progress import parts


def test_parts_are_told_as_one_task() -> None:
    heard: list[tuple[int, int]] = []
    first, second = parts(lambda done, n_all: heard.append((done, n_all)), [30, 10])
    first(1, 3, 0.5)
    first(3, 3)
    second(1, 2)
    second(0, 0)
    assert heard == [(10, 40), (30, 40), (35, 40), (30, 40)]


def test_nobody_has_to_listen() -> None:
    for part in parts(None, [2, 2]):
        part(1, 1)
