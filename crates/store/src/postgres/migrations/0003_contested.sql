-- The generation at whose predecessor another attempt was begun before this one was written: where a provider revokes everything on
-- reuse, it may be dead although nobody withdrew it.
ALTER TABLE instances ADD COLUMN contested_generation BIGINT;
