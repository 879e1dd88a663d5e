-- Signals, what was computed for each, and the explanations of the top ones.
-- depends: 0001.strategies

-- No foreign key to strategies: another topic, and a signal may arrive before its strategy.
CREATE TABLE strategy_signals (
    signal_id          text PRIMARY KEY,
    strategy_id        text NOT NULL,
    user_id            text,
    asset              text NOT NULL,
    as_of              timestamptz NOT NULL,
    cycle              timestamptz,
    trigger            text NOT NULL CHECK (trigger IN ('cycle', 'change', 'request')),
    request_id         text,
    final_score        double precision NOT NULL
        CHECK (final_score > '-Infinity' AND final_score < 'Infinity'),
    action             text NOT NULL CHECK (action IN ('BUY', 'SELL', 'HOLD')),
    fused_action       text NOT NULL CHECK (fused_action IN ('BUY', 'SELL', 'HOLD')),
    override           text,
    confidence         double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    -- The engines' scores; null where an engine was missing or stale.
    sentiment_score    double precision,
    technical_score    double precision,
    fundamental_score  double precision,
    event_risk_score   double precision,
    liquidity_score    double precision,
    stored_at          timestamptz NOT NULL DEFAULT now()
);

-- The latest of a strategy; of an asset and its history; of a user; all of a cycle; of a request.
CREATE INDEX strategy_signals_by_strategy ON strategy_signals (strategy_id, as_of DESC);
CREATE INDEX strategy_signals_by_asset ON strategy_signals (asset, as_of DESC);
CREATE INDEX strategy_signals_by_user ON strategy_signals (user_id, as_of DESC)
    WHERE user_id IS NOT NULL;
CREATE INDEX strategy_signals_by_cycle ON strategy_signals (cycle) WHERE cycle IS NOT NULL;
CREATE INDEX strategy_signals_by_request ON strategy_signals (request_id)
    WHERE request_id IS NOT NULL;

-- Written in the transaction of its signal, so here a foreign key can hold.
CREATE TABLE signal_details (
    signal_id           text PRIMARY KEY REFERENCES strategy_signals ON DELETE CASCADE,
    entry_price_usd     double precision CHECK (entry_price_usd > 0),
    position_size       double precision NOT NULL CHECK (position_size >= 0),
    position_value_usd  double precision NOT NULL CHECK (position_value_usd >= 0),
    stop_loss_usd       double precision,
    take_profit_usd     double precision,
    metadata            jsonb NOT NULL  -- contributions, sizing, features, detail, inputs
);

-- One row for each signal in the top of a cycle. signals.top may arrive before signals, so there
-- is no foreign key. The explanations sink moves status on:
--   pending -> requested -> done or failed;  pending -> skipped (switched off, or no budget left).
CREATE TABLE signal_explanations (
    signal_id          text PRIMARY KEY,
    strategy_id        text NOT NULL,
    asset              text NOT NULL,
    cycle              timestamptz NOT NULL,
    rank               integer NOT NULL CHECK (rank >= 1),
    status             text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'requested', 'done', 'failed', 'skipped')),
    model              text,
    text               text,
    error              text,
    prompt_tokens      integer CHECK (prompt_tokens >= 0),
    completion_tokens  integer CHECK (completion_tokens >= 0),
    cost_usd           numeric CHECK (cost_usd >= 0),
    requested_at       timestamptz,
    explained_at       timestamptz,
    stored_at          timestamptz NOT NULL DEFAULT now(),
    CHECK (status <> 'done' OR (text IS NOT NULL AND model IS NOT NULL))
);

-- The top of a cycle; what waits for an explanation; what was spent on a day.
CREATE INDEX signal_explanations_by_cycle ON signal_explanations (cycle DESC, strategy_id, rank);
CREATE INDEX signal_explanations_pending ON signal_explanations (cycle, rank)
    WHERE status = 'pending';
CREATE INDEX signal_explanations_by_request ON signal_explanations (requested_at)
    WHERE requested_at IS NOT NULL;

-- A signal with all that belongs to it. `rank` is null outside the top of its cycle.
CREATE VIEW signal_overview AS
SELECT
    s.signal_id, s.strategy_id, s.user_id, s.asset, s.as_of, s.cycle, s.trigger, s.request_id,
    s.final_score, s.action, s.fused_action, s.override, s.confidence,
    s.sentiment_score, s.technical_score, s.fundamental_score, s.event_risk_score,
    s.liquidity_score, s.stored_at,
    d.entry_price_usd, d.position_size, d.position_value_usd, d.stop_loss_usd, d.take_profit_usd,
    d.metadata,
    e.rank, e.status AS explanation_status, e.model AS explanation_model, e.text AS explanation
FROM strategy_signals AS s
LEFT JOIN signal_details AS d USING (signal_id)
LEFT JOIN signal_explanations AS e USING (signal_id);
