-- What keyless sources add to a tick: votes, the market's mood, the source's own average volume.

ALTER TABLE trending_assets
    ADD COLUMN votes_up_pct double precision,
    ADD COLUMN fear_greed double precision,
    ADD COLUMN volume_30d_avg_usd double precision;
