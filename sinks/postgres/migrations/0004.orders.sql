-- Exchange connections of users, their orders and the fills. Written by the order service, not by
-- a sink. Prices and quantities are numeric: exchanges count in decimals.

-- Keys are ciphertext, never plain; key_id names the key that encrypted them, so it can be changed.
CREATE TABLE user_exchange_connections (
    connection_id          text PRIMARY KEY,
    user_id                text NOT NULL,
    exchange               text NOT NULL,
    label                  text NOT NULL DEFAULT '',
    mode                   text NOT NULL CHECK (mode IN ('testnet', 'live')),
    api_key_ciphertext     bytea NOT NULL,
    api_secret_ciphertext  bytea NOT NULL,
    password_ciphertext    bytea,  -- some exchanges ask for a third secret
    key_id                 text NOT NULL,
    created_at             timestamptz NOT NULL DEFAULT now(),
    last_used_at           timestamptz,
    revoked_at             timestamptz
);

-- One connection in use per user, exchange and label; a revoked one does not block its successor.
CREATE UNIQUE INDEX user_exchange_connections_in_use
    ON user_exchange_connections (user_id, exchange, mode, label) WHERE revoked_at IS NULL;

-- No foreign key to strategy_signals: a user may act on a signal before the sink has written it.
CREATE TABLE orders (
    order_id           text PRIMARY KEY,  -- also the client order id at the exchange
    user_id            text NOT NULL,
    signal_id          text,
    strategy_id        text,
    connection_id      text REFERENCES user_exchange_connections,
    mode               text NOT NULL CHECK (mode IN ('paper', 'testnet', 'live')),
    exchange           text NOT NULL,
    symbol             text NOT NULL,
    asset              text NOT NULL,
    side               text NOT NULL CHECK (side IN ('buy', 'sell')),
    type               text NOT NULL CHECK (type IN ('market', 'limit')),
    status             text NOT NULL CHECK (
        status IN ('created', 'open', 'filled', 'canceled', 'rejected', 'failed')),
    quantity           numeric NOT NULL CHECK (quantity > 0),
    limit_price        numeric CHECK (limit_price > 0),
    filled_quantity    numeric NOT NULL DEFAULT 0 CHECK (filled_quantity >= 0),
    average_price      numeric CHECK (average_price > 0),
    stop_loss_usd      numeric,
    take_profit_usd    numeric,
    exchange_order_id  text,
    error              text,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    CHECK (type <> 'limit' OR limit_price IS NOT NULL),
    CHECK (mode = 'paper' OR connection_id IS NOT NULL)
);

CREATE INDEX orders_by_user ON orders (user_id, created_at DESC);
CREATE INDEX orders_by_signal ON orders (signal_id) WHERE signal_id IS NOT NULL;
CREATE INDEX orders_unfinished ON orders (created_at) WHERE status IN ('created', 'open');

CREATE TABLE order_executions (
    execution_id       text PRIMARY KEY,
    order_id           text NOT NULL REFERENCES orders,
    exchange_trade_id  text,
    price              numeric NOT NULL CHECK (price > 0),
    quantity           numeric NOT NULL CHECK (quantity > 0),
    fee                numeric NOT NULL DEFAULT 0,
    fee_currency       text,
    liquidity          text CHECK (liquidity IN ('maker', 'taker')),
    executed_at        timestamptz NOT NULL,
    stored_at          timestamptz NOT NULL DEFAULT now(),
    UNIQUE (order_id, exchange_trade_id)
);

CREATE INDEX order_executions_by_order ON order_executions (order_id, executed_at);
