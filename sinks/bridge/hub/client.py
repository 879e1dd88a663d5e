"""One websocket: its requests, its subscriptions, its way out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import WSMsgType, web

from schemas.topics import BY_NAME
from sinks.bridge.frames import Frame, close_frame, control
from sinks.bridge.hub.backlog import Backlog
from sinks.bridge.hub.catch_up import STEP, CatchUp
from sinks.bridge.hub.channels import CHANNELS, TOPIC_OF, topics_of
from sinks.bridge.hub.client_messages import (
    BadRequestError,
    Code,
    Ping,
    Request,
    Subscribe,
    Unsubscribe,
    parse,
)
from sinks.bridge.hub.core import Core, Subscription, lowest
from sinks.bridge.hub.cursors import BadCursorError, Positions, format_cursor, parse_since
from sinks.bridge.hub.limits import Bucket
from sinks.bridge.hub.send_queue import SendQueue, Wire
from sinks.bridge.settings import BridgeSettings

_log = logging.getLogger(__name__)
MESSAGES_A_SECOND = 20.0
MESSAGES_AT_ONCE = 60.0
MOST_REFUSED = 100
"""A client that goes on asking too fast is let go after so many refusals in a row."""
FRAME_BYTES = 65_536
"""A longer message is refused; one 16 times as long ends the connection."""
END_S = 5.0
"""How long the bye frame may take to be sent."""

REASONS = {
    "slow": (1013, "Too many frames waited for this client. Connect again with this cursor."),
    "going_away": (1001, "The bridge stops. Connect again with this cursor, here or elsewhere."),
    "too_fast": (1008, "Too many messages were sent in spite of the errors."),
    "failed": (1011, "The bridge failed; its log has the cause. Connect again with this cursor."),
}


class Parts(Protocol):
    """What a client uses of its hub."""

    settings: BridgeSettings
    core: Core
    backlog: Backlog

    @property
    def ready(self) -> asyncio.Event:
        """Set once the state is there."""

    def health(self) -> Frame:
        """Return how the bridge does."""


class Client:
    """See the module's docstring; made by the hub for each websocket."""

    def __init__(
        self,
        hub: Parts,
        wire: Wire,
        drain: Callable[[], Awaitable[None]],
        name: str,
        *,
        compressed: bool,
    ) -> None:
        self._hub = hub
        self._core = hub.core
        self._bucket = Bucket(MESSAGES_A_SECOND, MESSAGES_AT_ONCE)
        self._refused = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.name = name
        self.latest: Frame | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.ending: str | None = None
        self.ended = asyncio.Event()
        self.gone = asyncio.Event()
        self.send_queue = SendQueue(
            wire,
            drain,
            lambda: self.close_with_cursor("slow"),
            limit=hub.settings.queue_frames,
            compressed=compressed,
        )

    def send(self, frame: Frame) -> None:
        """Send a frame; never waits."""
        self.send_queue.send(frame)

    def prepare(self, frame: Frame) -> None:
        """Make the bytes of a frame."""
        self.send_queue.bytes_of(frame)

    def send_all(self, frames: list[Frame]) -> None:
        """Send frames in order; never waits."""
        self.send_queue.send_all(frames)

    def all(self) -> list[Subscription]:
        """Return the subscriptions."""
        return list(self.subscriptions.values())

    async def flushed(self) -> None:
        """Wait until the socket has taken all."""
        await self.send_queue.flushed()

    @property
    def topics(self) -> frozenset[str]:
        """The topics whose events it gets one by one."""
        return frozenset(topic for sub in self.subscriptions.values() for topic in sub.topics)

    @property
    def is_caught_up(self) -> bool:
        """Whether it has all that the hub has, and no subscription catches up."""
        return not self._tasks

    def cursor(self) -> str:
        """Return up to where everything wanted has been sent, or waits for the socket."""
        return format_cursor(self._positions())

    def _positions(self) -> Positions:
        subscriptions = list(self.subscriptions.values())
        positions = {
            p: self._core.positions[p] for p in self._core.recent_events.places(self.topics)
        }
        return lowest(positions, *(sub.behind for sub in subscriptions))

    def close_with_cursor(self, reason: str) -> None:
        """Send the bye frame, with the cursor up to which all was sent, and end the connection.

        The cursor has no place of a snapshot that still waits: what was before it never came.
        """
        if self.ending is not None:
            return
        self.ending = reason
        unsent = list(self.send_queue.unsent())
        waiting: list[Positions] = [{f.place[:2]: f.place[2]} for f in unsent if f.place]
        closed = {place for frame in unsent for place in frame.opens}
        positions = lowest(self._positions(), *waiting)
        cursor = format_cursor({p: at for p, at in positions.items() if p not in closed})
        code, message = REASONS[reason]
        self.forget()
        last = control("bye", reason=reason, message=message, cursor=cursor)
        self.send_queue.close_with(last, close_frame(code, reason))
        self.ended.set()

    def forget(self) -> None:
        """Leave all subscriptions and send nothing any more."""
        for task in self._tasks.values():
            task.cancel()
        for subscription in self.subscriptions.values():
            self._core.leave(self, subscription)
        self.subscriptions.clear()
        self.send_queue.close()

    async def listen(self, socket: web.WebSocketResponse) -> None:
        """Answer requests until the client goes; while it is sent away only wait for that."""
        async for message in socket:
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY} and self.ending is None:
                await self.hear(message.data)

    async def hear(self, text: str | bytes) -> None:
        """Answer one message."""
        try:
            self._check(text)
            request = parse(text)
            await self._hub.ready.wait()
            await self.flushed()  # who does not read the answers is not asked for more
            self._answer(request)
        except BadRequestError as error:
            self.send(control("error", id=error.request_id, code=error.code, message=str(error)))
        except Exception:  # a defect of ours: what was asked for will not come, and that is said
            _log.exception("a request of a client failed")
            self.close_with_cursor("failed")

    def _check(self, text: str | bytes) -> None:
        if not self._bucket.take(time.monotonic()):
            self._refused += 1
            if self._refused > MOST_REFUSED:
                self.close_with_cursor("too_fast")
            message = (
                f"More than {MESSAGES_A_SECOND:g} messages a second: this one was not read. "
                "Wait a second and send it again."
            )
            raise BadRequestError(Code.TOO_FAST, message)
        self._refused = 0
        if len(text) > FRAME_BYTES:
            message = f"The message has {len(text)} characters, more than {FRAME_BYTES}."
            raise BadRequestError(Code.TOO_LARGE, message + " Subscribe in several requests.")

    def _answer(self, request: Request) -> None:
        if self.ending is not None:
            return
        match request:
            case Ping():
                self.send(control("pong", id=request.id))
            case Unsubscribe():
                self._unsubscribe(request)
            case Subscribe():
                self._subscribe(request)

    def _unsubscribe(self, request: Unsubscribe) -> None:
        subscription = self.subscriptions.pop(request.subscription, None)
        if subscription is None:
            there = ", ".join(self.subscriptions) or "none"
            message = f"There is no subscription {request.subscription!r}; there are: {there}."
            raise BadRequestError(Code.UNKNOWN_SUBSCRIPTION, message, request.id)
        if (task := self._tasks.pop(request.subscription, None)) is not None:
            task.cancel()
        self._core.leave(self, subscription)
        self.send(control("ack", id=request.id, request="unsubscribe"))

    def _subscribe(self, request: Subscribe) -> None:
        self._room_for(request)
        channels = tuple(name for name in CHANNELS if name in request.channels)
        since = self._since(request)
        resumed = tuple(
            channel
            for channel in channels
            if any(place[0] in topics_of((channel,)) for place in since)
        )
        fresh = tuple(channel for channel in channels if channel not in resumed)
        sub = Subscription(request.id, channels, request.filter())
        self.subscriptions[request.id] = sub
        topics = topics_of(resumed)
        sub.behind = {place: offset for place, offset in since.items() if place[0] in topics}
        self.send(
            control("ack", id=request.id, request="subscribe", channels=channels, resumed=resumed)
        )
        self._core.go_live(self, sub, fresh)
        if fresh:
            self.send(self._core.snapshot(fresh, sub.wanted, request.id))
        if "status" in fresh:
            self.send(self._hub.health())
        if resumed:
            self._catch_up(sub, resumed)

    def _room_for(self, request: Subscribe) -> None:
        if request.id in self.subscriptions:
            message = f"The id {request.id!r} is in use by a subscription. Take another, or "
            message += "unsubscribe first."
            raise BadRequestError(Code.DUPLICATE_ID, message, request.id)
        most = self._hub.settings.max_subscriptions
        if len(self.subscriptions) >= most:
            message = f"There are {most} subscriptions, and no more are allowed. Unsubscribe one."
            raise BadRequestError(Code.TOO_MANY, message, request.id)

    def _since(self, request: Subscribe) -> Positions:
        if request.since is None:
            return {}
        try:
            named = parse_since(request.since)
        except BadCursorError as error:
            message = f"The field since cannot be read: {error}."
            raise BadRequestError(Code.WRONG_FIELD, message, request.id) from None
        known = self._core.positions
        since = {(TOPIC_OF.get(name, name), number): at for (name, number), at in named.items()}
        for topic, partition in since:
            if topic not in BY_NAME:
                message = f"The field since names {topic[:60]!r}, which is no topic. "
                message += "Send the cursors as they came."
                raise BadRequestError(Code.WRONG_FIELD, message, request.id)
            if (topic, 0) in known and (topic, partition) not in known:
                message = f"The field since names partition {partition} of {topic}, which has "
                message += f"{sum(place[0] == topic for place in known)}."
                raise BadRequestError(Code.WRONG_FIELD, message, request.id)
        return since

    def _catch_up(self, sub: Subscription, channels: tuple[str, ...]) -> None:
        step = max(1, min(STEP, self._hub.settings.queue_frames // 2))
        run = CatchUp(self._core, self._hub.backlog, self, sub, step).run(channels)
        task = asyncio.create_task(run)
        self._tasks[sub.name] = task
        task.add_done_callback(lambda done: self._caught_up(sub, done))

    def _caught_up(self, sub: Subscription, task: asyncio.Task[None]) -> None:
        if self._tasks.get(sub.name) is task:
            del self._tasks[sub.name]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a client could not catch up", exc_info=error)
            self.close_with_cursor("failed")
