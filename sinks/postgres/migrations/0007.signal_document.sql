-- A signal is kept as the document that was published; the columns are computed from it.
-- depends: 0006.bridge

-- A field of the document that has no column is in signal_details.metadata, and a column for it is
-- one ALTER TABLE ... ADD COLUMN ... GENERATED ALWAYS AS (...) STORED, which fills old rows as well.

-- Exact to the millisecond, unlike to_timestamp, which counts seconds as a double.
CREATE OR REPLACE FUNCTION signal_time(ms bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (
        timestamp '1970-01-01' + make_interval(days => (ms / 86400000)::integer)
        + (ms % 86400000) * interval '1 millisecond'
    ) AT TIME ZONE 'UTC'
$$;

-- Null where the engine was missing or stale.
CREATE OR REPLACE FUNCTION signal_score(body jsonb, engine text) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (part ->> 'score')::double precision
    FROM jsonb_array_elements(body -> 'contributions') AS part
    WHERE part ->> 'engine' = engine AND part ->> 'status' = 'ok'
    LIMIT 1
$$;

DROP VIEW signal_overview;  -- nothing ever read it

-- A row of one table and its row of the other were written together: the join loses none.
CREATE TABLE carried AS
SELECT
    jsonb_build_object(
        'signal_id', s.signal_id,
        'strategy_id', s.strategy_id,
        'user_id', s.user_id,
        'asset', s.asset,
        'as_of', (extract(epoch FROM s.as_of) * 1000)::bigint,
        'cycle', (extract(epoch FROM s.cycle) * 1000)::bigint,
        'trigger', s.trigger,
        'request_id', s.request_id,
        'final_score', s.final_score,
        'action', s.action,
        'fused_action', s.fused_action,
        'override', s.override,
        'confidence', s.confidence,
        'entry_price_usd', d.entry_price_usd,
        'position_size', d.position_size,
        'position_value_usd', d.position_value_usd,
        'stop_loss_usd', d.stop_loss_usd,
        'take_profit_usd', d.take_profit_usd
    ) || d.metadata AS body,
    s.stored_at
FROM strategy_signals AS s JOIN signal_details AS d USING (signal_id);

DROP TABLE signal_details;
DROP TABLE strategy_signals;

CREATE TABLE strategy_signals (
    signal_id          text GENERATED ALWAYS AS (body ->> 'signal_id') STORED PRIMARY KEY,
    strategy_id        text GENERATED ALWAYS AS (body ->> 'strategy_id') STORED NOT NULL,
    user_id            text GENERATED ALWAYS AS (body ->> 'user_id') STORED,
    asset              text GENERATED ALWAYS AS (body ->> 'asset') STORED NOT NULL,
    as_of              timestamptz NOT NULL
        GENERATED ALWAYS AS (signal_time((body ->> 'as_of')::bigint)) STORED,
    cycle              timestamptz
        GENERATED ALWAYS AS (signal_time((body ->> 'cycle')::bigint)) STORED,
    trigger            text GENERATED ALWAYS AS (body ->> 'trigger') STORED NOT NULL
        CHECK (trigger IN ('cycle', 'change', 'request')),
    request_id         text GENERATED ALWAYS AS (body ->> 'request_id') STORED,
    final_score        double precision NOT NULL
        GENERATED ALWAYS AS ((body ->> 'final_score')::double precision) STORED,
    action             text GENERATED ALWAYS AS (body ->> 'action') STORED NOT NULL
        CHECK (action IN ('BUY', 'SELL', 'HOLD')),
    fused_action       text GENERATED ALWAYS AS (body ->> 'fused_action') STORED NOT NULL
        CHECK (fused_action IN ('BUY', 'SELL', 'HOLD')),
    override           text GENERATED ALWAYS AS (body ->> 'override') STORED,
    confidence         double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1)
        GENERATED ALWAYS AS ((body ->> 'confidence')::double precision) STORED,
    sentiment_score    double precision
        GENERATED ALWAYS AS (signal_score(body, 'sentiment')) STORED,
    technical_score    double precision
        GENERATED ALWAYS AS (signal_score(body, 'technical')) STORED,
    fundamental_score  double precision
        GENERATED ALWAYS AS (signal_score(body, 'fundamental')) STORED,
    event_risk_score   double precision
        GENERATED ALWAYS AS (signal_score(body, 'event_risk')) STORED,
    liquidity_score    double precision
        GENERATED ALWAYS AS (signal_score(body, 'liquidity')) STORED,
    body               jsonb NOT NULL,  -- the whole signal, as published
    stored_at          timestamptz NOT NULL DEFAULT now(),
    CHECK ((body ->> 'entry_price_usd')::double precision > 0),
    CHECK ((body ->> 'position_size')::double precision >= 0),
    CHECK ((body ->> 'position_value_usd')::double precision >= 0)
);

INSERT INTO strategy_signals (body, stored_at) SELECT body, stored_at FROM carried;
DROP TABLE carried;

-- The latest of a strategy; of an asset and its history; of a user; all of a cycle; of a request;
-- the newest of all strategies and assets, page by page.
CREATE INDEX strategy_signals_by_strategy ON strategy_signals (strategy_id, as_of DESC);
CREATE INDEX strategy_signals_by_asset ON strategy_signals (asset, as_of DESC);
CREATE INDEX strategy_signals_by_user ON strategy_signals (user_id, as_of DESC)
    WHERE user_id IS NOT NULL;
CREATE INDEX strategy_signals_by_cycle ON strategy_signals (cycle) WHERE cycle IS NOT NULL;
CREATE INDEX strategy_signals_by_request ON strategy_signals (request_id)
    WHERE request_id IS NOT NULL;
CREATE INDEX strategy_signals_by_time ON strategy_signals (as_of DESC, signal_id DESC);

-- What was computed for each signal; `metadata` is every field without a column of its own.
CREATE VIEW signal_details AS
SELECT
    signal_id,
    (body ->> 'entry_price_usd')::double precision AS entry_price_usd,
    (body ->> 'position_size')::double precision AS position_size,
    (body ->> 'position_value_usd')::double precision AS position_value_usd,
    (body ->> 'stop_loss_usd')::double precision AS stop_loss_usd,
    (body ->> 'take_profit_usd')::double precision AS take_profit_usd,
    body - ARRAY[
        'signal_id', 'strategy_id', 'user_id', 'asset', 'as_of', 'cycle', 'trigger', 'request_id',
        'final_score', 'action', 'fused_action', 'override', 'confidence', 'entry_price_usd',
        'position_size', 'position_value_usd', 'stop_loss_usd', 'take_profit_usd'
    ] AS metadata
FROM strategy_signals;
