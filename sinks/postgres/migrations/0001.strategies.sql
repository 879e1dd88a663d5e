-- Strategies of admins and users: the last state of each id in the topic control.strategies.

CREATE TABLE strategies (
    strategy_id          text PRIMARY KEY,
    version              integer NOT NULL CHECK (version >= 1),
    owner                text NOT NULL CHECK (owner IN ('admin', 'user')),
    user_id              text,
    name                 text NOT NULL,
    active               boolean NOT NULL,
    timeframe            text NOT NULL,
    entry_rule           text,
    exit_rule            text,
    buy_threshold        double precision NOT NULL,
    sell_threshold       double precision NOT NULL,
    portfolio_value_usd  double precision NOT NULL,
    assets               jsonb NOT NULL,  -- a list; empty means the trending ones
    definition           jsonb NOT NULL,  -- the whole strategy, as published
    updated_at           timestamptz NOT NULL,
    deleted_at           timestamptz,     -- set by a tombstone; signals keep their strategy's name
    stored_at            timestamptz NOT NULL DEFAULT now(),
    CHECK (deleted_at IS NULL OR NOT active)
);

CREATE INDEX strategies_by_user ON strategies (user_id) WHERE user_id IS NOT NULL;
