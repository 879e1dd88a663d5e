-- What the bridge needs: tickets that work once at any bridge, and pages of signals by time.
-- depends: 0002.signals

-- Issued and not used: using one deletes its row. The ticket itself is signed and not kept.
CREATE TABLE bridge_tickets (
    nonce       text PRIMARY KEY,
    expires_at  timestamptz NOT NULL
);

CREATE INDEX bridge_tickets_by_expiry ON bridge_tickets (expires_at);

-- The newest signals of all strategies and assets, page by page.
CREATE INDEX strategy_signals_by_time ON strategy_signals (as_of DESC, signal_id DESC);
