"""Stored states: a cache that newer code can always throw away."""

from projection import contract, service
from projection.domain.streams.stream import FOLDS, initial
from roadbook.database import Pool, acquire

# What a stored state looks like at each fold number. When this test fails you changed its shape: raise the number of
# that kind in `FOLDS` and add a line here, so that states of the running version are folded again.
SHAPES = {1: "f07018a22c79ab0b", 2: "192af951b369d62a", 3: "9ff62b691ef1938f"}


def test_another_shape_of_states_has_another_fold_number() -> None:
    assert SHAPES[max(FOLDS.values())] == contract.state_shape()


def test_a_state_of_another_shape_is_no_state() -> None:
    good = contract.dump_state(initial("lead/1"))
    assert contract.load_state(good) == initial("lead/1")
    assert contract.load_state(good.replace("stream", "river")) is None


async def test_a_stored_state_of_another_shape_is_folded_again(projection_pool: Pool) -> None:
    async with acquire(projection_pool) as connection:
        await connection.execute(
            "INSERT INTO stream_states (stream, party_ref, version, fold, unknown, state)"
            " VALUES ('lead/1', 'p-1', 1, 1, '{}', '{\"another\": \"shape\"}')"
        )
        await connection.execute(
            "INSERT INTO facts (stream, version, id, type, time, recorded, party_ref, actor, correlation, data)"
            " VALUES ('lead/1', 1, 'e-1', 'roadbook.lead.other.v1', now(), now(), 'p-1', 's', 'c', '{}')"
        )
        states = await service.load_states(connection, ["lead/1"])
    assert (states["lead/1"].version, states["lead/1"].unknown_events) == (1, 1)
