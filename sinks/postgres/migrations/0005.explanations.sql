-- What the explanations sink keeps: claims, a budget a day, and what it has published.
-- depends: 0002.signals

-- A request that is under way holds a reservation of the most it can cost. `requested` without a
-- result for long means a process that ended: its row becomes failed, and is never asked again.
-- requested -> pending only where the model's API has said that it did not serve the request.
ALTER TABLE signal_explanations
    ADD COLUMN input_hash     text,
    ADD COLUMN attempts       integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    ADD COLUMN waiting_since  timestamptz,  -- first told to wait: for the model, for an equal one
    ADD COLUMN not_before     timestamptz,
    ADD COLUMN reserved_usd   numeric CHECK (reserved_usd >= 0),
    ADD COLUMN reserved_on    date,         -- the day of explanation_budget that it counts to
    ADD COLUMN published_at   timestamptz,  -- on signals.explanations, acknowledged
    ADD CHECK ((status = 'requested') = (reserved_usd IS NOT NULL AND reserved_on IS NOT NULL));

CREATE INDEX signal_explanations_by_input ON signal_explanations (input_hash)
    WHERE input_hash IS NOT NULL;
CREATE INDEX signal_explanations_under_way ON signal_explanations (requested_at)
    WHERE status = 'requested';
CREATE INDEX signal_explanations_unpublished ON signal_explanations (explained_at, signal_id)
    WHERE published_at IS NULL AND status IN ('done', 'failed', 'skipped');

-- Days are UTC. spent + reserved never goes beyond the day's budget by a reservation.
CREATE TABLE explanation_budget (
    day           date PRIMARY KEY,
    spent_usd     numeric NOT NULL DEFAULT 0 CHECK (spent_usd >= 0),
    reserved_usd  numeric NOT NULL DEFAULT 0 CHECK (reserved_usd >= 0)
);

-- Up to where signals.explanations is known to be marked in published_at; `topic` with its prefix.
CREATE TABLE explanation_positions (
    topic        text NOT NULL,
    partition    integer NOT NULL CHECK (partition >= 0),
    next_offset  bigint NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (topic, partition)
);
