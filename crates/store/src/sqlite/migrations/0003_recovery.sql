-- What a refresh that ended unknown, or that the provider keeps rejecting, has to remember beyond its process.
ALTER TABLE instances ADD COLUMN uncertain_at INTEGER;
ALTER TABLE instances ADD COLUMN uncertain_told INTEGER;
ALTER TABLE instances ADD COLUMN rejections INTEGER NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN rejected_at INTEGER;
-- When a refresh is due for the refresh token's own sake. Until the next refresh tells, half its life is a good guess.
ALTER TABLE instances ADD COLUMN keep_alive_at INTEGER;
UPDATE instances SET keep_alive_at = refreshed_at + (refresh_expires_at - refreshed_at) / 2
    WHERE refresh_token IS NOT NULL AND refresh_expires_at IS NOT NULL;
UPDATE instances SET uncertain_at = coalesce(intent_at, refreshed_at) WHERE uncertain_generation = generation;

-- What an engine looks for by itself.
CREATE INDEX instances_unsettled ON instances (id) WHERE intent_attempt IS NOT NULL OR uncertain_generation IS NOT NULL;
CREATE INDEX instances_keep_alive ON instances (keep_alive_at) WHERE keep_alive_at IS NOT NULL;
CREATE INDEX instances_unwell ON instances (status, id) WHERE status <> 'ok';

-- Why the provider refuses the app itself, and since when.
ALTER TABLE apps ADD COLUMN trouble TEXT;
ALTER TABLE apps ADD COLUMN trouble_since INTEGER;
