"""Folded states as they are stored: a cache that can always be made again."""

import hashlib
import json

from pydantic import TypeAdapter, ValidationError

from projection.domain.streams.stream import StreamState

_STATE = TypeAdapter(StreamState)


def dump_state(state: StreamState) -> str:
    """Without what is as it is from the beginning: most of a state is."""
    return _STATE.dump_json(state, exclude_defaults=True).decode()


def load_state(text: str) -> StreamState | None:
    """None for a state of another shape than today's: the facts have everything, it is folded again."""
    try:
        return _STATE.validate_json(text)
    except ValidationError:
        return None


def state_shape() -> str:
    """A digest of what a stored state looks like: a change of it needs a higher number in `FOLDS` (a test says so)."""
    return hashlib.sha256(json.dumps(_STATE.json_schema(), sort_keys=True).encode()).hexdigest()[:16]
