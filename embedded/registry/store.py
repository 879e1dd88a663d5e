"""What a schema registry knows: subjects, their versions, the ids of schemas, and the levels.

Every change is one entry, a dict: it is checked, written to the journal if there is one, and only
then applied. Applying is a function of the entries alone, so a journal brings back the same ids.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from embedded.registry import compatibility
from embedded.registry.avro import InvalidSchemaError, Schema, canonical, parse
from embedded.registry.journal import Journal

_GUIDS = uuid.UUID("9d0c1c4e-6b1f-4f0e-8a4c-0b7e6a2f5d31")


class RegistryError(Exception):
    """An answer that is an error: HTTP status, Confluent's error code and a message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Version:
    """One schema under one subject. `number` counts from 1 within the subject."""

    subject: str
    number: int
    id: int
    guid: str
    text: str  # as it was first registered, under any subject
    deleted: bool = False

    @property
    def schema(self) -> Schema:
        """The qualified schema."""
        return parse(self.text)


class SubjectStore:
    """Subjects and schemas in memory. All methods raise RegistryError with Confluent's codes.

    `level` is the global one, of compatibility.LEVELS, else ValueError; a journal may change it.
    """

    def __init__(self, level: str = "BACKWARD", journal: Journal | None = None) -> None:
        if level not in compatibility.LEVELS:
            message = f"No such compatibility level: {level}"
            raise ValueError(message)
        self.level = level
        self._journal = journal
        self._versions: dict[str, list[Version]] = {}
        self._levels: dict[str, str] = {}
        self._ids: dict[str, int] = {}  # canonical text -> id
        self._texts: dict[int, str] = {}  # id -> text, kept for ever: records out there name it
        for entry in journal.entries() if journal else ():
            self._apply(entry)

    # Reading -------------------------------------------------------------------------------

    def subjects(self, prefix: str = "", *, deleted: bool = False) -> list[str]:
        """Return the subjects with at least one version, in order of their registration."""
        return [
            subject
            for subject, versions in self._versions.items()
            if subject.startswith(prefix) and any(deleted or not v.deleted for v in versions)
        ]

    def versions(self, subject: str, *, deleted: bool = False) -> list[Version]:
        """Return the versions of a subject, oldest first; 40401 when there are none."""
        found = self._find(subject, deleted=deleted)
        if not found:
            raise RegistryError(404, 40401, f"Subject '{subject}' not found.")
        return found

    def version(self, subject: str, which: str, *, deleted: bool = False) -> Version:
        """Return a version by its number, or "latest" ("-1"); 40401, 40402 or 42202."""
        latest = which in ("latest", "-1")
        if not latest and not (which.isdecimal() and 1 <= int(which) < 2**31):
            message = f"The specified version '{which}' is not a valid version id. Allowed values "
            message += 'are between [1, 2^31-1] and the string "latest"'
            raise RegistryError(422, 42202, message)
        found = self.versions(subject, deleted=deleted)
        if latest:
            return found[-1]
        for version in found:
            if version.number == int(which):
                return version
        raise RegistryError(404, 40402, f"Version {which} not found.")

    def lookup(self, subject: str, text: str, *, deleted: bool = False) -> Version:
        """Return the version of a subject with this schema; 40401, 40403 or 42201."""
        schema_id = self._ids.get(_canonical(text))
        for version in reversed(self.versions(subject, deleted=deleted)):
            if version.id == schema_id:
                return version
        raise RegistryError(404, 40403, "Schema not found")

    def text(self, schema_id: int) -> str:
        """Return the schema with this id, also after its subjects were deleted; 40403."""
        if schema_id not in self._texts:
            raise RegistryError(404, 40403, f"Schema {schema_id} not found")
        return self._texts[schema_id]

    def by_guid(self, guid: str) -> Version:
        """Return the first version with this global identifier; 40403."""
        for version in self._all(deleted=True):
            if version.guid == guid:
                return version
        raise RegistryError(404, 40403, f"Schema {guid} not found")

    def uses(self, schema_id: int, *, deleted: bool = False) -> list[Version]:
        """Return the versions with this schema id; 40403 when no such schema was registered."""
        self.text(schema_id)
        return [v for v in self._all(deleted=deleted) if v.id == schema_id]

    def level_of(self, subject: str | None, *, fall_back: bool = False) -> str:
        """Return the level of a subject, or the global one for None; 40408 when it has none."""
        if subject is None:
            return self.level
        if subject not in self._levels and not fall_back:
            message = f"Subject '{subject}' does not have subject-level compatibility configured"
            raise RegistryError(404, 40408, message)
        return self._levels.get(subject, self.level)

    def incompatibilities(self, subject: str, text: str, against: list[Version]) -> list[str]:
        """Return why a schema may not follow `against` at the subject's level; 42201."""
        level = self.level_of(subject, fall_back=True)
        return compatibility.check(level, _parse(text), [version.schema for version in against])

    # Changing ------------------------------------------------------------------------------

    def register(self, subject: str, text: str) -> Version:
        """Add a schema to a subject, or find it there; 42201, or 409 when it is incompatible."""
        schema_id = self._ids.get(_canonical(text))
        previous = self._find(subject)
        for version in previous:
            if version.id == schema_id:
                return version
        reasons = self.incompatibilities(subject, text, previous)
        if reasons:
            message = "Schema being registered is incompatible with an earlier schema for subject "
            raise RegistryError(409, 409, f'{message}"{subject}", details: {"; ".join(reasons)}')
        self._commit({"do": "register", "subject": subject, "schema": text})
        return self._versions[subject][-1]

    def delete_subject(self, subject: str, *, permanent: bool = False) -> list[int]:
        """Delete all versions, softly or (a second time) for good; their numbers.

        40401, 40404 (is deleted softly), 40405 (must be deleted softly first).
        """
        live = self._find(subject)
        if permanent and live:
            message = f"Subject '{subject}' was not deleted first before being permanently deleted"
            raise RegistryError(404, 40405, message)
        if not permanent and not live and self._find(subject, deleted=True):
            message = f"Subject '{subject}' was soft deleted. Set permanent=true to delete it"
            raise RegistryError(404, 40404, message)
        numbers = [version.number for version in self.versions(subject, deleted=permanent)]
        self._delete(subject, numbers, permanent=permanent)
        return numbers

    def delete_version(self, subject: str, which: str, *, permanent: bool = False) -> int:
        """Delete one version, softly or (a second time) for good; its number.

        40401, 40402, 42202, 40406 (is deleted softly), 40407 (must be deleted softly first).
        """
        by_number = which not in ("latest", "-1")
        version = self.version(subject, which, deleted=permanent or by_number)
        which_one = f"Subject '{subject}' Version {version.number}"
        if permanent and not version.deleted:
            message = f"{which_one} was not deleted first before being permanently deleted"
            raise RegistryError(404, 40407, message)
        if not permanent and version.deleted:
            message = f"{which_one} was soft deleted. Set permanent=true to delete it"
            raise RegistryError(404, 40406, message)
        self._delete(subject, [version.number], permanent=permanent)
        return version.number

    def set_level(self, subject: str | None, level: str) -> None:
        """Set the level of a subject, or the global one for None; 42203."""
        if level not in compatibility.LEVELS:
            valid = ", ".join(compatibility.LEVELS)
            message = f"Invalid compatibility level. Valid values are {valid}"
            raise RegistryError(422, 42203, message)
        self._commit({"do": "level", "subject": subject, "level": level})

    def unset_level(self, subject: str) -> str:
        """Let a subject follow the global level again; the level it had, 40408 if none."""
        level = self.level_of(subject)
        self._commit({"do": "level", "subject": subject, "level": None})
        return level

    # The entries ---------------------------------------------------------------------------

    def _delete(self, subject: str, numbers: list[int], *, permanent: bool) -> None:
        entry = {"do": "delete", "subject": subject, "versions": numbers, "permanent": permanent}
        self._commit(entry)

    def _commit(self, entry: dict[str, Any]) -> None:
        if self._journal is not None:
            try:
                self._journal.append(entry)
            except OSError as error:
                message = f"The journal could not be written: {error}"
                raise RegistryError(500, 50001, message) from error
        self._apply(entry)

    def _apply(self, entry: dict[str, Any]) -> None:
        subject = entry["subject"]
        if entry["do"] == "register":
            self._apply_register(subject, entry["schema"])
        elif entry["do"] == "delete":
            self._apply_delete(subject, set(entry["versions"]), permanent=entry["permanent"])
        elif subject is None:
            self.level = entry["level"]
        elif entry["level"] is None:
            del self._levels[subject]
        else:
            self._levels[subject] = entry["level"]

    def _apply_register(self, subject: str, text: str) -> None:
        form = _canonical(text)
        schema_id = self._ids.setdefault(form, len(self._ids) + 1)
        text = self._texts.setdefault(schema_id, text)
        versions = self._versions.setdefault(subject, [])
        number = versions[-1].number + 1 if versions else 1
        guid = str(uuid.uuid5(_GUIDS, form))
        versions.append(Version(subject, number, schema_id, guid, text))

    def _apply_delete(self, subject: str, numbers: set[int], *, permanent: bool) -> None:
        versions = self._versions[subject]
        if permanent:
            versions[:] = [v for v in versions if v.number not in numbers]
        else:
            versions[:] = [replace(v, deleted=v.deleted or v.number in numbers) for v in versions]

    # Helpers -------------------------------------------------------------------------------

    def _find(self, subject: str, *, deleted: bool = False) -> list[Version]:
        return [v for v in self._versions.get(subject, ()) if deleted or not v.deleted]

    def _all(self, *, deleted: bool) -> Iterable[Version]:
        return (v for subject in self._versions for v in self._find(subject, deleted=deleted))


def _parse(text: str) -> Schema:
    try:
        return parse(text)
    except InvalidSchemaError as error:
        message = f"Either the input schema or one of its references is invalid. {error}"
        raise RegistryError(422, 42201, message) from error


def _canonical(text: str) -> str:
    return canonical(_parse(text))
