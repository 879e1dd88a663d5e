-- What was trending in each cycle, and the news.

CREATE TABLE trending_assets (
    cycle                  timestamptz NOT NULL,
    asset                  text NOT NULL,
    rank                   integer NOT NULL CHECK (rank >= 1),
    cycle_size             integer NOT NULL CHECK (cycle_size >= 1),
    name                   text NOT NULL,
    source                 text NOT NULL,
    source_id              text NOT NULL,
    event_time             timestamptz NOT NULL,
    observed_at            timestamptz NOT NULL,
    published_at           timestamptz,
    price_usd              double precision NOT NULL CHECK (price_usd > 0),
    volume_24h_usd         double precision NOT NULL CHECK (volume_24h_usd >= 0),
    market_cap_usd         double precision,
    change_24h_pct         double precision,
    galaxy_score           double precision,
    alt_rank               integer,
    social_volume          double precision,
    interactions           double precision,
    sentiment_pct          double precision,
    twitter_volume         double precision,
    twitter_sentiment_pct  double precision,
    reddit_volume          double precision,
    reddit_sentiment_pct   double precision,
    stored_at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cycle, asset)
);

CREATE INDEX trending_assets_by_asset ON trending_assets (asset, cycle DESC);

CREATE TABLE trending_news (
    source           text NOT NULL,
    source_id        text NOT NULL,
    asset            text NOT NULL,
    headline         text NOT NULL,
    summary          text,
    url              text NOT NULL,
    publisher        text NOT NULL,
    sentiment_label  text CHECK (sentiment_label IN ('positive', 'neutral', 'negative')),
    event_time       timestamptz NOT NULL,
    observed_at      timestamptz NOT NULL,
    published_at     timestamptz,
    stored_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, source_id, asset)
);

CREATE INDEX trending_news_by_asset ON trending_news (asset, event_time DESC);
CREATE INDEX trending_news_by_time ON trending_news (event_time DESC);
