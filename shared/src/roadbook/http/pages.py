"""Pages for people: what each problem means, the interactive API documentation, and the catalogue of both.

All of it is served by the service itself: no script, font or style comes from another host.
"""

import base64
import hashlib
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from roadbook.http import asyncapi
from roadbook.http.problems import ProblemType, problems_url, registered

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b}"
    "h1{font-size:1.6rem}code{background:#f2f2f2;padding:.1em .3em}td,th{text-align:left;padding:.3rem .8rem .3rem 0}"
    "a{color:#0b57a4}"
)
DOCS_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
CATALOG_TYPE: Final = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'


def html(title: str, body: str, more_style: str = "") -> Response:
    """A page that is text and one style of ours; `body` is escaped already. No script runs on it."""
    style = _STYLE + more_style
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>{body}</body></html>'
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'",
        "Cache-Control": "public, max-age=300",
        "Vary": "Accept",
    }
    return HTMLResponse(page, headers=headers)


def _json(body: Any, media_type: str = "application/json") -> Response:
    headers = {"Cache-Control": "public, max-age=300", "Vary": "Accept"}
    return Response(orjson.dumps(body), headers=headers, media_type=media_type)


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept


def _described(kind: ProblemType, base: str) -> dict[str, Any]:
    return {
        "type": f"{base}/{kind.code}",
        "code": kind.code,
        "status": kind.status,
        "title": kind.title,
        "explanation": kind.explanation,
        "what_to_do": kind.what_to_do,
        "retryable": kind.retryable,
    }


async def problem_index(request: Request) -> Response:
    """All problem types: HTML, or JSON when that is asked for."""
    kinds = registered().values()
    base = problems_url(request)
    if _wants_json(request):
        return _json({"problems": [_described(kind, base) for kind in kinds]})
    rows = "".join(
        f'<tr><td>{kind.status}</td><td><a href="{escape(base)}/{kind.code}"><code>{kind.code}</code></a></td>'
        f"<td>{escape(kind.title)}</td></tr>"
        for kind in kinds
    )
    table = f"<table><tr><th>Status</th><th>Code</th><th>Title</th></tr>{rows}</table>"
    return html("Problems", f"<h1>Problems this service answers with</h1>{table}")


async def problem_page(request: Request) -> Response:
    """What one problem means and what to do about it."""
    kind = registered().get(request.path_params["code"])
    if kind is None:
        raise HTTPException(404)
    base = problems_url(request)
    if _wants_json(request):
        return _json(_described(kind, base))
    again = {True: "Yes.", False: "No: the same request fails again.", None: "It depends."}[kind.retryable]
    body = (
        f"<h1>{escape(kind.title)}</h1><p>HTTP {kind.status} · <code>{kind.code}</code></p>"
        f"<h2>What it means</h2><p>{escape(kind.explanation)}</p>"
        f"<h2>What to do</h2><p>{escape(kind.what_to_do)}</p>"
        f'<h2>May the request be repeated?</h2><p>{again}</p><p><a href="{escape(base)}">All problems</a></p>'
    )
    return html(kind.title, body)


async def docs_page(request: Request) -> Response:
    """Swagger UI; its script is a file of its own, so that the policy needs no inline script."""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API documentation</title>'
        '<link rel="stylesheet" href="docs/assets/swagger-ui.css"><link rel="icon" href="docs/assets/favicon.png">'
        '</head><body><div id="swagger-ui"></div><script src="docs/assets/swagger-ui-bundle.js"></script>'
        '<script src="docs/init.js"></script></body></html>'
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": DOCS_POLICY})


async def docs_script(_: Request) -> Response:
    script = (
        'SwaggerUIBundle({url:"openapi.json",dom_id:"#swagger-ui",deepLinking:true,validatorUrl:null,'
        "presets:[SwaggerUIBundle.presets.apis,SwaggerUIBundle.SwaggerUIStandalonePreset||[]].flat()});"
    )
    return Response(script, media_type="text/javascript")


async def docs_asset(request: Request) -> Response:
    """Swagger UI (Apache-2.0) as the fastapi-offline wheel ships it."""
    name = request.path_params["name"]
    if name not in ASSETS:
        raise HTTPException(404)
    folder = Path(str(files("fastapi_offline").joinpath("static")))
    headers = {"Cache-Control": "public, max-age=86400"}
    return FileResponse(folder / name, media_type=ASSETS[name], headers=headers)


def api_catalog(base_url: str, *, events: bool) -> dict[str, Any]:
    """The linkset of RFC 9727. `events`: whether the service has an AsyncAPI document."""
    machine = [{"href": f"{base_url}/openapi.json", "type": "application/vnd.oai.openapi+json;version=3.1"}]
    human = [f"{base_url}/docs", f"{base_url}/problems"]
    if events:
        machine.append({"href": f"{base_url}/asyncapi.json", "type": asyncapi.MEDIA_TYPE})
        human.append(f"{base_url}/asyncapi")
    return {
        "linkset": [
            {
                "anchor": base_url,
                "service-desc": machine,
                "service-doc": [{"href": href, "type": "text/html"} for href in human],
                "status": [{"href": f"{base_url}/readyz", "type": "application/json"}],
            }
        ]
    }
