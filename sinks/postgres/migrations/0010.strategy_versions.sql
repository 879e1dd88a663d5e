-- Every version of a strategy, with its author and time; a deletion is a row without a definition.
-- A strategy may be deleted and made again under its id, from version 1 on: the time tells apart.

CREATE TABLE strategy_versions (
    strategy_id  text NOT NULL,
    changed_at   timestamptz NOT NULL,
    version      integer NOT NULL CHECK (version >= 0),  -- 0: the deletion
    author       text,                                   -- NULL: not known
    definition   jsonb,                                  -- the whole strategy, as published
    stored_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (strategy_id, changed_at, version),
    CHECK ((version = 0) = (definition IS NULL))
);

INSERT INTO strategy_versions (strategy_id, changed_at, version, author, definition)
SELECT strategy_id, updated_at, version, definition ->> 'author', definition FROM strategies;

INSERT INTO strategy_versions (strategy_id, changed_at, version)
SELECT strategy_id, deleted_at, 0 FROM strategies WHERE deleted_at IS NOT NULL;
