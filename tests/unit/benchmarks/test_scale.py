"""How much is measured, and in which order."""

from benchmarks.scale import QUICK, Scale


def test_all_samples_are_read_equally_often() -> None:
    assert Scale().count(40, multiple_of=4) == 40
    assert Scale(share=0.2).count(40, multiple_of=4) == 8
    assert Scale(share=0.01).count(40, multiple_of=4) == 4
    assert Scale(share=0.01).count(4000, multiple_of=12) == 36
    assert Scale(share=0.001).count(40) == 1


def test_a_quick_run_may_read_one_image() -> None:
    assert QUICK.count(40, multiple_of=4) == 1
    assert QUICK.seconds(10) == 0.5
    assert Scale(share=0.2).seconds(10) == 2


def test_baselines_alternate_and_every_other_round_runs_backwards() -> None:
    order: list[str] = []

    def measured(name: str) -> float:
        order.append(name)
        return len(order)

    taken = Scale(rounds=3).alternating({"ours": lambda: measured("ours"), "limit": lambda: measured("limit")})
    assert order == ["ours", "limit", "limit", "ours", "ours", "limit"]
    assert taken == {"ours": [1, 4, 5], "limit": [2, 3, 6]}
