"""What PIA is shown of a clip: drawn from seed and pass, dropped with a share."""

from __future__ import annotations

import torch
from adk_tests.training import small
from adk_tests.training.clips import ClipsInMemory
from animatediff_kit.training.engine.batch_order import BatchOrder
from animatediff_kit.training.engine.batches import ALL, Batch, draw
from animatediff_kit.training.engine.likeness import likeness_of
from animatediff_kit.training.engine.picture_draw import with_drawn_pictures

CLIPS = ClipsInMemory(count=6, frames=5, side=4)
LIKENESS = likeness_of(CLIPS, range(6))
ORDER = BatchOrder([list(range(6))], 4, 0)


def drawn(place: int, part: slice = ALL, **changes: object) -> Batch:
    settings = small.settings(batch_size=4, **changes)
    batch = draw(CLIPS, ORDER, place, settings, False, part)
    return with_drawn_pictures(batch, LIKENESS, settings, place, part)


def pictured(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    assert batch.picture is not None and batch.affinity is not None
    return batch.picture, batch.affinity


def places(batch: Batch) -> list[int]:
    """The picture's frame of each clip, -1 where it is shown none."""
    found: list[int] = []
    for clip, picture, affinity in zip(batch.clean, *pictured(batch), strict=True):
        same = [i for i, frame in enumerate(clip) if torch.equal(frame, picture)]
        assert bool(same) == bool(affinity.any())
        if same:
            assert float(affinity[same[0]]) == 1.0 and float(affinity.min()) >= 0.2
        else:
            assert not picture.any() and not affinity.any()
        found += same or [-1]
    return found


def test_any_frame_is_the_picture_and_a_fifth_of_clips_have_none() -> None:
    found = [place for at in range(150) for place in places(drawn(at))]
    shares = [found.count(frame) / len(found) for frame in range(-1, 5)]
    assert 0.15 < shares[0] < 0.25
    assert all(0.12 < share < 0.2 for share in shares[1:])


def test_the_first_frame_alone_and_never_dropped() -> None:
    changes = dict(picture_frame="first", picture_dropout=0.0)
    assert {place for at in range(10) for place in places(drawn(at, **changes))} == {0}
    assert {place for at in range(4) for place in places(drawn(at, picture_dropout=1.0))} == {-1}


def test_it_hangs_on_seed_and_pass_alone() -> None:
    assert places(drawn(3)) == places(drawn(3))
    assert [places(drawn(at)) for at in range(4)] != [places(drawn(at, seed=1)) for at in range(4)]


def test_the_rest_of_the_batch_is_as_without_pictures() -> None:
    plain = draw(CLIPS, ORDER, 2, small.settings(batch_size=4), False)
    batch = drawn(2)
    assert plain.picture is None and plain.affinity is None
    assert torch.equal(batch.noise, plain.noise) and torch.equal(batch.t, plain.t)
    assert torch.equal(batch.clean, plain.clean) and batch.names == plain.names


def test_the_parts_of_two_processes_are_the_batch() -> None:
    whole = pictured(drawn(5))
    parts = [pictured(drawn(5, slice(rank, None, 2))) for rank in (0, 1)]
    for name, tensor in enumerate(whole):
        assert torch.equal(tensor[0::2], parts[0][name])
        assert torch.equal(tensor[1::2], parts[1][name])
