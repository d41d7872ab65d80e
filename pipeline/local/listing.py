"""Serve folders as a browser shows them on a file system: files, and a list where there is no page."""

import html
from pathlib import Path
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{0}</title>'
PAGE += "<h1>{0}</h1><ul>{1}</ul></html>\n"


class Listed(StaticFiles):
    """A folder and what is below it, but nothing that a link leads out to."""

    async def check_config(self) -> None:
        """Check nothing: the folder may not be there yet, as before the first model is published."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, or the list of a folder's entries."""
        try:
            answer = await super().get_response(path, scope)
            if path.endswith(".log") and "content-type" in answer.headers:  # a browser would download other types
                answer.headers["content-type"] = "text/plain; charset=utf-8"
            return answer
        except HTTPException:
            full, found = self.lookup_path(path)
            if found is None or not Path(full).is_dir():
                raise
        if not scope["path"].endswith("/"):
            return RedirectResponse(quote(scope["path"]) + "/")
        entries = sorted(f"{entry.name}{'/' if entry.is_dir() else ''}" for entry in Path(full).iterdir())
        items = "".join(f'<li><a href="./{quote(name)}">{html.escape(name)}</a>' for name in entries)
        return HTMLResponse(PAGE.format(html.escape(Path(full).name), items))
