-- What headlines say, good or bad: by article and asset, and in trending_news beside the headline.
-- The two topics are read apart, so either row may come first: the lock lets one writer see the
-- other's row.

CREATE TABLE news_scores (
    source         text NOT NULL,
    source_id      text NOT NULL,
    asset          text NOT NULL,
    label          text NOT NULL CHECK (label IN ('positive', 'neutral', 'negative')),
    score          double precision NOT NULL CHECK (score BETWEEN -1 AND 1),
    confidence     double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    model          text,
    model_version  text,
    observed_at    timestamptz NOT NULL,
    stored_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, source_id, asset)
);

ALTER TABLE trending_news
    ADD COLUMN label text CHECK (label IN ('positive', 'neutral', 'negative')),
    ADD COLUMN score double precision,
    ADD COLUMN score_confidence double precision,
    ADD COLUMN score_model text;

CREATE OR REPLACE FUNCTION score_of_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7305808869231650162);  -- "news scr"
    SELECT label, score, confidence, model
        INTO NEW.label, NEW.score, NEW.score_confidence, NEW.score_model
        FROM news_scores
        WHERE source = NEW.source AND source_id = NEW.source_id AND asset = NEW.asset;
    RETURN NEW;
END $$;

CREATE TRIGGER score_of_news BEFORE INSERT OR UPDATE ON trending_news
    FOR EACH ROW EXECUTE FUNCTION score_of_news();

CREATE OR REPLACE FUNCTION news_of_score() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7305808869231650162);
    UPDATE trending_news SET label = NEW.label
        WHERE source = NEW.source AND source_id = NEW.source_id AND asset = NEW.asset;
    RETURN NULL;
END $$;

CREATE TRIGGER news_of_score AFTER INSERT OR UPDATE ON news_scores
    FOR EACH ROW EXECUTE FUNCTION news_of_score();
