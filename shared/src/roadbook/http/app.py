"""`create_app`: the one way a service becomes an HTTP application."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Final

import orjson
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roadbook.clock import Clock, RealClock
from roadbook.http import asyncapi_page, catalogue, openapi, pages, pointers
from roadbook.http.auth import TokenVerifier
from roadbook.http.edge import Edge, route_finder
from roadbook.http.health import Health, metrics
from roadbook.http.jwks import KeySource
from roadbook.http.paths import Paths
from roadbook.http.problems import ProblemType, handlers, register
from roadbook.http.routes import Admission, StrictRoute, declared_scopes, has_cleanup, in_threads
from roadbook.messages import Messages
from roadbook.settings import Settings, SettingsError

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Check = Callable[[], Awaitable[Mapping[str, Any]]]
# FastAPI's own telemetry writes query strings and exception messages; ours does not (STANDARDS §1.4).
_NO_TELEMETRY: Final[Any] = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
_OPTIONS: Final[Mapping[str, Any]] = {
    "docs_url": None,
    "redoc_url": None,
    "openapi_url": None,
    "redirect_slashes": False,
    "telemetry": _NO_TELEMETRY,
    "generate_unique_id_function": lambda route: route.name,
    "default_response_class": Response,
}


class UndeclaredRoute(Exception):
    """A route of a service breaks a rule that must hold before the first request."""


def create_app(
    *,
    settings: Settings,
    name: str,
    title: str,
    description: str = "",
    version: str = "1.0.0",
    routers: Sequence[APIRouter] = (),
    problems: Sequence[ProblemType] = (),
    lifespan: Lifespan | None = None,
    readiness: Mapping[str, Check] | None = None,
    clock: Clock | None = None,
    verifier: TokenVerifier | None = None,
    tags: Sequence[Mapping[str, str]] = (),
    messages: Messages | None = None,
) -> FastAPI:
    """The application of service `name`.

    `readiness`: name -> async check that returns details or raises. `tags`: `{"name", "description"}` for OpenAPI.
    `messages`: what the service says and hears on Kafka, for /asyncapi. Handlers find `app.state.clock`, `.settings`.

    Raises `UndeclaredRoute` if a route declares no scope, is not on a router of `roadbook.http.routes.router`, has
    a dependency with `yield`, or shares its operationId; `SettingsError` if routes exist but no issuer is configured.
    """
    register(*catalogue.KIT_PROBLEMS, *problems)
    app = FastAPI(
        title=title,
        description=description,
        version=version,
        openapi_tags=[dict(tag) for tag in tags],
        lifespan=_lifespan(lifespan),
        exception_handlers=handlers(),
        **_OPTIONS,
    )
    state, health = app.state, Health(dict(readiness or {}))
    state.name, state.settings, state.clock, state.health = name, settings, clock or RealClock(), health
    state.admission, state.problems_url = Admission(settings.max_in_flight), settings.problems_url
    state.messages = messages
    _add_public_routes(app, health, settings, messages)
    for router in routers:
        app.include_router(router)
    templates = _check_routes(app)
    state.paths = _paths(app)
    state.verifier = verifier or (_verifier(settings) if routers else None)
    _serve_document(app, _document(app, settings))
    _add_edge(app, settings, templates)
    return app


def _add_edge(app: FastAPI, settings: Settings, templates: dict[int, str]) -> None:
    """Starlette names the endpoint in the scope, FastAPI the route: both are looked up for the template."""
    templates |= {id(route.endpoint): route.path for route in app.routes if type(route) is Route}
    app.add_middleware(Edge, route_of=route_finder(templates), https=settings.public_url.startswith("https://"))


def ops_app(*, settings: Settings, name: str, readiness: Mapping[str, Check]) -> FastAPI:
    """Health and metrics only: what a process without an API still answers."""
    return create_app(settings=settings, name=name, title=f"{name} worker", readiness=readiness)


def _lifespan(inner: Lifespan | None) -> Lifespan:
    """/startupz and /readyz turn after the service's own start-up, and back before its end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with inner(app) if inner else nullcontext():
            app.state.health.started = True
            yield
            app.state.health.draining = True

    return lifespan


def _verifier(settings: Settings) -> TokenVerifier:
    for field in ("oidc_issuer", "oidc_audience", "oidc_jwks"):
        if not getattr(settings, field):
            raise SettingsError(f"ROADBOOK_{field.upper()} is not set: no route could be protected")
    return TokenVerifier(settings.oidc_issuer, settings.oidc_audience, KeySource(settings.oidc_jwks))


def _add_public_routes(app: FastAPI, health: Health, settings: Settings, messages: Messages | None) -> None:
    """The only routes without a token."""
    linkset = orjson.dumps(pages.api_catalog(settings.public_url, events=messages is not None))

    async def api_catalog(_: Request) -> Response:
        return Response(linkset, headers={"Content-Type": pages.CATALOG_TYPE})

    public: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
        "/livez": health.livez,
        "/readyz": health.readyz,
        "/startupz": health.startupz,
        "/metrics": metrics,
        "/problems": pages.problem_index,
        "/problems/{code}": pages.problem_page,
        "/docs": pages.docs_page,
        "/docs/init.js": pages.docs_script,
        "/docs/assets/{name}": pages.docs_asset,
        "/.well-known/api-catalog": api_catalog,
        **(asyncapi_page.routes(messages, title=app.title, version=app.version) if messages else {}),
    }
    for path, endpoint in public.items():
        app.add_route(path, endpoint, methods=["GET"], include_in_schema=False)


def _check_routes(app: FastAPI) -> dict[int, str]:
    """Refuses what must not be served; returns the path template of every route by identity."""
    templates: dict[int, str] = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute):
            if isinstance(route, Route) and not route.include_in_schema:
                continue
            raise UndeclaredRoute(f"{context.path}: only routes of roadbook.http.routes.router are served")
        if not isinstance(route, StrictRoute):
            raise UndeclaredRoute(f"{context.path}: declare it on a router of roadbook.http.routes.router")
        if declared_scopes(route.dependant) is None:
            raise UndeclaredRoute(f"{context.path}: declares no scope")
        if has_cleanup(route.dependant):
            raise UndeclaredRoute(f"{context.path}: a dependency yields; its clean-up would run after the answer")
        if in_threads(route.dependant):
            raise UndeclaredRoute(f"{context.path}: a dependency is not `async`; it would cost a thread's turn")
        if id(route) in templates:
            raise UndeclaredRoute(f"{context.path}: the same route is included twice")
        templates[id(route)] = str(context.path_format)
    return templates


def _paths(app: FastAPI) -> Paths:
    contexts = [each for each in iter_route_contexts(app.routes) if isinstance(each.original_route, StrictRoute)]
    return Paths((str(each.path_format), each.methods or ()) for each in contexts)


def _document(app: FastAPI, settings: Settings) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        openapi_version="3.1.0",
    )
    try:
        completed = openapi.complete(document, settings.public_url, settings.oidc_issuer)
    except ValueError as error:
        raise UndeclaredRoute(str(error)) from None
    app.openapi_schema = completed
    app.openapi = lambda: completed  # type: ignore[method-assign]  # FastAPI's documented way to replace it
    return completed


def _serve_document(app: FastAPI, document: Mapping[str, Any]) -> None:
    pointers.know(document)
    content = orjson.dumps(document)

    async def openapi_json(_: Request) -> Response:
        return Response(content, media_type="application/json")

    app.add_route("/openapi.json", openapi_json, methods=["GET"], include_in_schema=False)
