"""A visitor of the dashboard without a browser: speaks Streamlit's own protocol over its WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

__all__ = ["Run", "Visitor"]

XSRF = "_streamlit_xsrf"
FINISHED = re.compile(r"(?<!\d)(\d+) gradients(?: and \d+ forward pass(?:es)?)? in ")

#: A run that another one replaced; what it drew is not what is seen.
OVERTAKEN = ForwardMsg.FINISHED_EARLY_FOR_RERUN


@dataclass
class Run:
    """What one run of the page's script drew.

    Attributes
    ----------
    gradients : int or None
        Of a finished explanation.
    waiting : bool
        Whether a bar of progress was drawn.
    errors : list of str
        Red boxes.
    exceptions : list of str
        Tracebacks that a person would see.
    pictures : dict of str to str
        Addresses of pictures by their alternative texts.
    """

    gradients: int | None = None
    waiting: bool = False
    errors: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    pictures: dict[str, str] = field(default_factory=dict)

    def take(self, element: Any) -> None:
        """Note an element."""
        kind = element.WhichOneof("type")
        if kind == "progress":
            self.waiting = True
        elif kind == "markdown":
            found = FINISHED.search(element.markdown.body)
            if found:
                self.gradients = int(found[1])
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.errors.append(element.alert.body)
        elif kind == "exception":
            self.exceptions.append(element.exception.message)
        elif kind == "imgs":
            self.pictures |= {image.alt: image.url for image in element.imgs.imgs}


class Visitor:
    """One session of the dashboard.

    Parameters
    ----------
    url : str
        Of the server: http://host:port.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.exceptions: list[str] = []
        self._widgets: dict[str, str] = {}
        self._states: dict[str, WidgetState] = {}
        self._query = self._page = self._session = ""
        self._run = Run()
        self._finished: asyncio.Queue[Run] = asyncio.Queue()
        self._urls: asyncio.Queue[Any] = asyncio.Queue()
        self._again: dict[str, asyncio.Task[None]] = {}
        self._http = requests.Session()

    async def open(self, query: str = "") -> None:
        """Connect, and ask for the page at an address."""
        # As the browser does; the first gives the cookie without which nothing may be uploaded.
        for asked in ("health", "host-config"):
            await asyncio.to_thread(self._http.get, f"{self.url}/_stcore/{asked}", timeout=60)
        token = self._http.cookies.get(XSRF, "")
        headers = {"Cookie": f"{XSRF}={token}"} if token else {}
        self._socket: ClientConnection = await connect(
            f"{self.url.replace('http', 'ws')}/_stcore/stream",
            subprotocols=["streamlit", *([token] if token else [])],  # type: ignore[list-item]
            additional_headers=headers,
            max_size=None,
            open_timeout=60,
            ping_interval=None,  # a browser sends none
        )
        self._query = query
        self._reader = asyncio.create_task(self._read())
        await self._rerun()

    async def close(self) -> None:
        """Leave, as somebody who closes the window."""
        for task in (*self._again.values(), self._reader):
            task.cancel()
        await self._socket.close()

    async def slide(self, key: str, value: float, rerun: bool = True) -> None:
        """Move a slider."""
        await self.change({key: ("double_array_value", [value])}, rerun)

    async def choose(self, key: str, label: str) -> None:
        """Choose one of some segments by its label."""
        await self.change({key: ("string_array_value", [label])})

    async def change(self, values: dict[str, tuple[str, list[Any]]], rerun: bool = True) -> None:
        """Give widgets new values, all at once; without `rerun` the page hears of them with what comes next."""
        for key, (kind, value) in values.items():
            state = WidgetState(id=await self._widget(key))
            getattr(state, kind).data.extend(value)
            self._states[state.id] = state
        if rerun:
            await self._rerun()

    async def upload(self, key: str, name: str, data: bytes) -> int:
        """Upload a file, and delete the one that it replaces, as a browser does; returns the HTTP request's status."""
        urls = await self._place_for(name)
        widget = await self._widget(key)
        if widget in self._states:
            for info in self._states[widget].file_uploader_state_value.uploaded_file_info:
                await self._send_file("DELETE", info.file_urls.delete_url)
        sent = await self._send_file("PUT", urls.upload_url, files={name: (name, data)})
        if sent.ok:
            state = WidgetState(id=widget)
            info = state.file_uploader_state_value.uploaded_file_info.add()
            info.name, info.size, info.file_id = name, len(data), urls.file_id
            info.file_urls.CopyFrom(urls)
            self._states[state.id] = state
            await self._rerun()
        return int(sent.status_code)

    async def _send_file(self, method: str, address: str, **content: Any) -> requests.Response:
        headers = {"X-Xsrftoken": self._http.cookies.get(XSRF) or ""}
        return await asyncio.to_thread(
            self._http.request, method, f"{self.url}{address}", headers=headers, timeout=120, **content
        )

    async def _place_for(self, name: str) -> Any:
        """Ask where to send a file; again where Streamlit drops its answer, since a run of the page began."""
        for _ in range(12):
            request = BackMsg()
            request.file_urls_request.request_id = uuid.uuid4().hex
            request.file_urls_request.file_names.append(name)
            request.file_urls_request.session_id = self._session
            await self._socket.send(request.SerializeToString())
            with contextlib.suppress(asyncio.TimeoutError):
                return (await asyncio.wait_for(self._urls.get(), 5)).file_urls[0]
        raise TimeoutError("the server does not say where to send a file")

    async def until(self, condition: Callable[[Run], bool], seconds: float) -> Run:
        """Wait for a run of the page that drew what is waited for.

        Raises
        ------
        TimeoutError
        """

        async def first() -> Run:
            while not condition(run := await self._finished.get()):
                pass
            return run

        return await asyncio.wait_for(first(), seconds)

    async def _widget(self, key: str) -> str:
        """Return a widget's id, once it was drawn."""
        for _ in range(1200):
            if key in self._widgets:
                return self._widgets[key]
            await asyncio.sleep(0.05)
        raise TimeoutError(f"no widget {key}")

    async def _rerun(self, fragment: str = "") -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash, state.fragment_id = self._query, self._page, fragment
        state.is_auto_rerun = bool(fragment)
        state.widget_states.widgets.extend(self._states.values())
        await self._socket.send(message.SerializeToString())

    async def _poll(self, fragment: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self._rerun(fragment)

    def _stop_polling(self) -> None:
        for task in self._again.values():
            task.cancel()
        self._again.clear()

    async def _read(self) -> None:
        async for data in self._socket:
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            getattr(self, f"_on_{message.WhichOneof('type')}", lambda _: None)(message)

    def _on_new_session(self, message: ForwardMsg) -> None:
        self._session = message.new_session.initialize.session_id or self._session
        self._page = message.new_session.page_script_hash
        self._run = Run()

    def _on_page_info_changed(self, message: ForwardMsg) -> None:
        self._query = message.page_info_changed.query_string

    def _on_file_urls_response(self, message: ForwardMsg) -> None:
        self._urls.put_nowait(message.file_urls_response)

    def _on_auto_rerun(self, message: ForwardMsg) -> None:
        told = message.auto_rerun
        before = self._again.pop(told.fragment_id, None)
        if before is not None:
            before.cancel()
        self._again[told.fragment_id] = asyncio.create_task(self._poll(told.fragment_id, told.interval))

    def _on_stop_auto_rerun(self, message: ForwardMsg) -> None:
        task = self._again.pop(message.stop_auto_rerun.fragment_id, None)
        if task is not None:
            task.cancel()

    def _on_delta(self, message: ForwardMsg) -> None:
        if message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        drawn = getattr(element, element.WhichOneof("type") or "empty", None)
        named = re.fullmatch(r"\$\$ID-[0-9a-f]+-(\w[\w-]*)", getattr(drawn, "id", "") or "")
        if named:
            self._widgets[named[1]] = drawn.id  # type: ignore[union-attr]
        self._run.take(element)

    def _on_script_finished(self, message: ForwardMsg) -> None:
        run, self._run = self._run, Run()
        self.exceptions += run.exceptions
        if message.script_finished != OVERTAKEN:
            self._finished.put_nowait(run)
