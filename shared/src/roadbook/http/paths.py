"""Which methods a path takes. The router looks at one route at a time, and so knows of one route only."""

from collections.abc import Iterable

from starlette.routing import compile_path


class Paths:
    """Made of (template, methods) of all routes. A template with a `:word` at its end is a command on what stands
    before it: such a path is never the id of a thing, although `{lead_id}` alone would match it too."""

    def __init__(self, routes: Iterable[tuple[str, Iterable[str]]]) -> None:
        compiled = [(template, compile_path(template)[0], frozenset(methods)) for template, methods in routes]
        self._commands = [each for each in compiled if "}:" in each[0]]
        self._things = [each for each in compiled if "}:" not in each[0]]

    def is_command(self, path: str) -> bool:
        return ":" in path and any(pattern.match(path) for _, pattern, _ in self._commands)

    def allowed(self, path: str) -> list[str]:
        """For the Allow header: the methods of every route with this path; none for a path that is not ours."""
        known = self._commands if self.is_command(path) else self._things
        return sorted({method for _, pattern, methods in known if pattern.match(path) for method in methods})
