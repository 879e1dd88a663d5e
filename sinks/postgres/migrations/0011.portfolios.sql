-- Trades and equity of the model portfolios: documents as published, in a partition a month.
-- depends: 0010.strategy_versions

-- How long rows of a partitioned table are kept. To keep them longer or shorter:
-- UPDATE table_retention SET keep_days = ... WHERE table_name = ...
CREATE TABLE table_retention (
    table_name  text PRIMARY KEY,
    keep_days   integer NOT NULL CHECK (keep_days >= 31)
);

INSERT INTO table_retention VALUES ('portfolio_trades', 3650), ('portfolio_equity', 400);

-- A column that is computed cannot part a table, so the sink writes the time beside the document.
CREATE TABLE portfolio_trades (
    trade_id          text GENERATED ALWAYS AS (body ->> 'trade_id') STORED NOT NULL,
    strategy_id       text GENERATED ALWAYS AS (body ->> 'strategy_id') STORED NOT NULL,
    user_id           text GENERATED ALWAYS AS (body ->> 'user_id') STORED,
    asset             text GENERATED ALWAYS AS (body ->> 'asset') STORED NOT NULL,
    side              text GENERATED ALWAYS AS (body ->> 'side') STORED NOT NULL
        CHECK (side IN ('buy', 'sell')),
    reason            text GENERATED ALWAYS AS (body ->> 'reason') STORED NOT NULL,
    signal_id         text GENERATED ALWAYS AS (body ->> 'signal_id') STORED NOT NULL,
    filled_at         timestamptz NOT NULL
        CHECK (filled_at = signal_time((body ->> 'filled_at')::bigint)),
    size              double precision NOT NULL CHECK (size >= 0)
        GENERATED ALWAYS AS ((body ->> 'size')::double precision) STORED,
    fill_price_usd    double precision NOT NULL CHECK (fill_price_usd >= 0)
        GENERATED ALWAYS AS ((body ->> 'fill_price_usd')::double precision) STORED,
    value_usd         double precision NOT NULL CHECK (value_usd >= 0)
        GENERATED ALWAYS AS ((body ->> 'value_usd')::double precision) STORED,
    fee_usd           double precision NOT NULL CHECK (fee_usd >= 0)
        GENERATED ALWAYS AS ((body ->> 'fee_usd')::double precision) STORED,
    profit_usd        double precision  -- of a sale
        GENERATED ALWAYS AS ((body ->> 'profit_usd')::double precision) STORED,
    body              jsonb NOT NULL,  -- the whole trade, as published
    stored_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (trade_id, filled_at)
) PARTITION BY RANGE (filled_at);

-- The newest of a strategy, page by page; those of an asset; those of a signal.
CREATE INDEX portfolio_trades_by_strategy
    ON portfolio_trades (strategy_id, filled_at DESC, trade_id DESC);
CREATE INDEX portfolio_trades_by_asset ON portfolio_trades (asset, filled_at DESC);
CREATE INDEX portfolio_trades_by_signal ON portfolio_trades (signal_id);

CREATE TABLE portfolio_equity (
    strategy_id     text GENERATED ALWAYS AS (body ->> 'strategy_id') STORED NOT NULL,
    user_id         text GENERATED ALWAYS AS (body ->> 'user_id') STORED,
    kind            text GENERATED ALWAYS AS (body ->> 'kind') STORED NOT NULL
        CHECK (kind IN ('cycle', 'deposit', 'withdrawal', 'reset')),
    as_of           timestamptz NOT NULL
        CHECK (as_of = signal_time((body ->> 'as_of')::bigint)),
    equity_usd      double precision NOT NULL CHECK (equity_usd >= 0)
        GENERATED ALWAYS AS ((body ->> 'equity_usd')::double precision) STORED,
    cash_usd        double precision NOT NULL CHECK (cash_usd >= 0)
        GENERATED ALWAYS AS ((body ->> 'cash_usd')::double precision) STORED,
    positions_usd   double precision NOT NULL CHECK (positions_usd >= 0)
        GENERATED ALWAYS AS ((body ->> 'positions_usd')::double precision) STORED,
    invested_usd    double precision NOT NULL
        GENERATED ALWAYS AS ((body ->> 'invested_usd')::double precision) STORED,
    realised_usd    double precision NOT NULL
        GENERATED ALWAYS AS ((body ->> 'realised_usd')::double precision) STORED,
    unrealised_usd  double precision NOT NULL
        GENERATED ALWAYS AS ((body ->> 'unrealised_usd')::double precision) STORED,
    fees_usd        double precision NOT NULL
        GENERATED ALWAYS AS ((body ->> 'fees_usd')::double precision) STORED,
    closed_trades   integer NOT NULL
        GENERATED ALWAYS AS ((body ->> 'closed_trades')::integer) STORED,
    won_trades      integer NOT NULL
        GENERATED ALWAYS AS ((body ->> 'won_trades')::integer) STORED,
    body            jsonb NOT NULL,  -- the whole record, as published: open positions too
    stored_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (strategy_id, as_of, kind)
) PARTITION BY RANGE (as_of);

-- Make the months of these times where they are missing, and drop those that are over the time
-- that their table keeps. Counted from today, or from the newest month where that is older: the
-- market of a recorded year is kept as today's is. The months that are asked for always stay.
CREATE OR REPLACE FUNCTION make_months(parent text, times timestamptz[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    month timestamp;
    child text;
    newest timestamp;
    oldest timestamp;
    has_made boolean := false;
BEGIN
    FOR month IN
        SELECT DISTINCT date_trunc('month', one AT TIME ZONE 'UTC') FROM unnest(times) AS one
        ORDER BY 1
    LOOP
        oldest := least(oldest, month);
        child := parent || to_char(month, '"_"YYYY"_"MM');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(7881706594823172467);  -- "months": one process at a time
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent,
            month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC'
        );
        has_made := true;
    END LOOP;
    IF NOT has_made THEN
        RETURN;
    END IF;
    FOR child, month IN
        SELECT c.relname, to_timestamp(right(c.relname, 7), 'YYYY_MM') AT TIME ZONE 'UTC'
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass(parent) ORDER BY 2 DESC
    LOOP
        newest := coalesce(newest, month);
        IF month < oldest AND month + interval '1 month' <=
            least(newest, now() AT TIME ZONE 'UTC')
            - (SELECT keep_days FROM table_retention WHERE table_name = parent) * interval '1 day'
        THEN
            EXECUTE format('DROP TABLE %I', child);
        END IF;
    END LOOP;
END $$;
