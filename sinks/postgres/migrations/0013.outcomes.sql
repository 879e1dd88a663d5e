-- What the price did after scores and signals: a row each and horizon, in a partition a month.
-- depends: 0011.portfolios 0012.requested_explanations

INSERT INTO table_retention VALUES ('outcomes', 100);

CREATE TABLE outcomes (
    outcome_id        uuid NOT NULL,
    kind              text NOT NULL CHECK (kind IN ('score', 'signal')),
    asset             text NOT NULL,
    engine            text NOT NULL,       -- of a score, else ''
    strategy_id       text NOT NULL,       -- of a signal, else ''
    strategy_version  integer NOT NULL,
    scored_at         timestamptz NOT NULL,
    cycle             timestamptz NOT NULL,
    horizon           text NOT NULL CHECK (horizon IN ('1h', '4h', '1d', '7d')),
    score             double precision NOT NULL CHECK (score BETWEEN -1 AND 1),
    confidence        double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    action            text NOT NULL CHECK (action IN ('', 'BUY', 'SELL', 'HOLD')),
    price_usd         double precision,
    price_at          timestamptz,
    later_price_usd   double precision,
    later_price_at    timestamptz,
    return_pct        double precision,    -- NULL: no price came, no_return says which
    no_return         text NOT NULL CHECK (no_return IN ('', 'no_price', 'no_later_price')),
    as_of             timestamptz NOT NULL,  -- when it became known
    settings          text,
    stored_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (outcome_id, scored_at)
) PARTITION BY RANGE (scored_at);

-- Those of a horizon, the newest first.
CREATE INDEX outcomes_by_horizon ON outcomes (horizon, scored_at DESC);
