"""The REST interface of Confluent's Schema Registry over a store.

The application can stand alone (server.py) or be mounted by another one under a prefix.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from embedded.registry.store import RegistryError, SubjectStore, Version

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
STORE: web.AppKey[SubjectStore] = web.AppKey("store", SubjectStore)

_log = logging.getLogger(__name__)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(store: SubjectStore) -> web.Application:
    """Return the aiohttp application that serves `store`."""
    app = web.Application(middlewares=[_errors_as_json])
    app[STORE] = store
    app.add_routes(_SUBJECT_ROUTES + _SCHEMA_ROUTES + _LEVEL_ROUTES + _OTHER_ROUTES)
    return app


@web.middleware
async def _errors_as_json(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer every failure in Confluent's form: {"error_code": n, "message": text}."""
    try:
        return await handler(request)
    except RegistryError as error:
        return _error(error.status, error.code, str(error))
    except web.HTTPException as error:
        return _error(error.status, error.status, f"HTTP {error.status} {error.reason}")
    except Exception:
        _log.exception("The schema registry failed on %s %s", request.method, request.path_qs)
        return _error(500, 50001, "Error in the schema registry; its log has the cause")


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(value), content_type=CONTENT_TYPE)


def _error(status: int, code: int, message: str) -> web.Response:
    return _json({"error_code": code, "message": message}, status)


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() == "true"  # Python's clients send "True"


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except ValueError as error:
        raise RegistryError(400, 400, f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise RegistryError(400, 400, "The body is not a JSON object")
    return body


async def _schema(request: web.Request) -> str:
    """Return the schema's text in the body; 42201 for what only the real registry can do."""
    body = await _object(request)
    if body.get("schemaType") not in (None, "AVRO"):
        message = f"Invalid schema type {body['schemaType']}: this registry knows only AVRO"
        raise RegistryError(422, 42201, message)
    if body.get("references"):
        raise RegistryError(422, 42201, "This registry does not resolve schema references")
    if not isinstance(body.get("schema"), str) or not body["schema"]:
        raise RegistryError(422, 42201, "Empty schema")
    return str(body["schema"])


def _id(request: web.Request) -> int:
    text = request.match_info["id"]
    if not text.isdecimal():
        raise RegistryError(404, 40403, f"Schema {text} not found")
    return int(text)


def _full(version: Version) -> dict[str, Any]:
    return {
        "subject": version.subject,
        "version": version.number,
        "id": version.id,
        "guid": version.guid,
        "schemaType": "AVRO",
        "schema": version.text,
        **({"deleted": True} if version.deleted else {}),
    }


# Subjects ----------------------------------------------------------------------------------


async def _get_subjects(request: web.Request) -> web.Response:
    prefix, deleted = request.query.get("subjectPrefix", ""), _flag(request, "deleted")
    return _json(request.app[STORE].subjects(prefix, deleted=deleted))


async def _register(request: web.Request) -> web.Response:
    text = await _schema(request)
    return _json(_full(request.app[STORE].register(request.match_info["subject"], text)))


async def _look_up(request: web.Request) -> web.Response:
    text, subject = await _schema(request), request.match_info["subject"]
    version = request.app[STORE].lookup(subject, text, deleted=_flag(request, "deleted"))
    return _json(_full(version))


async def _get_versions(request: web.Request) -> web.Response:
    subject = request.match_info["subject"]
    found = request.app[STORE].versions(subject, deleted=_flag(request, "deleted"))
    return _json([version.number for version in found])


def _requested_version(request: web.Request) -> Version:
    subject, which = request.match_info["subject"], request.match_info["version"]
    return request.app[STORE].version(subject, which, deleted=_flag(request, "deleted"))


async def _get_version(request: web.Request) -> web.Response:
    return _json(_full(_requested_version(request)))


async def _get_version_schema(request: web.Request) -> web.Response:
    return web.Response(text=_requested_version(request).text, content_type=CONTENT_TYPE)


async def _delete_subject(request: web.Request) -> web.Response:
    subject, permanent = request.match_info["subject"], _flag(request, "permanent")
    return _json(request.app[STORE].delete_subject(subject, permanent=permanent))


async def _delete_version(request: web.Request) -> web.Response:
    subject, which = request.match_info["subject"], request.match_info["version"]
    permanent = _flag(request, "permanent")
    return _json(request.app[STORE].delete_version(subject, which, permanent=permanent))


_SUBJECT_ROUTES = [
    web.get("/subjects", _get_subjects),
    web.post("/subjects/{subject}", _look_up),
    web.delete("/subjects/{subject}", _delete_subject),
    web.get("/subjects/{subject}/versions", _get_versions),
    web.post("/subjects/{subject}/versions", _register),
    web.get("/subjects/{subject}/versions/{version}", _get_version),
    web.delete("/subjects/{subject}/versions/{version}", _delete_version),
    web.get("/subjects/{subject}/versions/{version}/schema", _get_version_schema),
]


# Schemas -----------------------------------------------------------------------------------


async def _get_by_id(request: web.Request) -> web.Response:
    return _json({"schema": request.app[STORE].text(_id(request))})


async def _get_text_by_id(request: web.Request) -> web.Response:
    return web.Response(text=request.app[STORE].text(_id(request)), content_type=CONTENT_TYPE)


async def _get_by_guid(request: web.Request) -> web.Response:
    return _json(_full(request.app[STORE].by_guid(request.match_info["guid"])))


async def _get_subjects_of_id(request: web.Request) -> web.Response:
    uses = request.app[STORE].uses(_id(request), deleted=_flag(request, "deleted"))
    return _json(list(dict.fromkeys(version.subject for version in uses)))


async def _get_versions_of_id(request: web.Request) -> web.Response:
    uses = request.app[STORE].uses(_id(request), deleted=_flag(request, "deleted"))
    return _json([{"subject": v.subject, "version": v.number} for v in uses])


async def _get_types(_: web.Request) -> web.Response:
    return _json(["AVRO"])


_SCHEMA_ROUTES = [
    web.get("/schemas/types", _get_types),
    web.get("/schemas/ids/{id}", _get_by_id),
    web.get("/schemas/ids/{id}/schema", _get_text_by_id),
    web.get("/schemas/ids/{id}/subjects", _get_subjects_of_id),
    web.get("/schemas/ids/{id}/versions", _get_versions_of_id),
    web.get("/schemas/guids/{guid}", _get_by_guid),
]


# Compatibility -----------------------------------------------------------------------------


async def _get_level(request: web.Request) -> web.Response:
    subject = request.match_info.get("subject")
    fall_back = _flag(request, "defaultToGlobal")
    level = request.app[STORE].level_of(subject, fall_back=fall_back)
    return _json({"compatibilityLevel": level})


async def _put_level(request: web.Request) -> web.Response:
    level = str((await _object(request)).get("compatibility"))
    request.app[STORE].set_level(request.match_info.get("subject"), level)
    return _json({"compatibility": level})


async def _delete_level(request: web.Request) -> web.Response:
    level = request.app[STORE].unset_level(request.match_info["subject"])
    return _json({"compatibility": level})


async def _check(request: web.Request) -> web.Response:
    text, store = await _schema(request), request.app[STORE]
    subject, which = request.match_info["subject"], request.match_info.get("version")
    # A subject without versions accepts everything, as in the real one.
    if which in (None, "latest", "-1"):
        against = store.versions(subject) if subject in store.subjects() else []
        against = against if which is None else against[-1:]
    else:
        against = [store.version(subject, str(which))]
    reasons = store.incompatibilities(subject, text, against)
    told = {"messages": reasons} if _flag(request, "verbose") else {}
    return _json({"is_compatible": not reasons, **told})


_LEVEL_ROUTES = [
    web.get("/config", _get_level),
    web.put("/config", _put_level),
    web.get("/config/{subject}", _get_level),
    web.put("/config/{subject}", _put_level),
    web.delete("/config/{subject}", _delete_level),
    web.post("/compatibility/subjects/{subject}/versions", _check),
    web.post("/compatibility/subjects/{subject}/versions/{version}", _check),
]


# The rest ----------------------------------------------------------------------------------


async def _get_root(_: web.Request) -> web.Response:
    return _json({})


async def _get_mode(_: web.Request) -> web.Response:
    return _json({"mode": "READWRITE"})


async def _get_associations(_: web.Request) -> web.Response:
    """Return that there are none: the serializers then take "<topic>-value" for the subject.

    They ask before the first message, and would fail on 405 and 500.
    """
    return _json([])


_OTHER_ROUTES = [
    web.get("/", _get_root),
    web.get("/mode", _get_mode),
    web.get("/mode/{subject}", _get_mode),
    web.get("/associations/resources/{namespace}/{name}", _get_associations),
]
