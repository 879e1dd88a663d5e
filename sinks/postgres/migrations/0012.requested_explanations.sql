-- The answer to a request is explained too: it is in no ranking.
-- depends: 0005.explanations

ALTER TABLE signal_explanations ALTER COLUMN rank DROP NOT NULL;
