-- What the person who connects an account gives, by parameter key; nothing secret. Kept with the account, and with an
-- authorization until it becomes one.
ALTER TABLE instances ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}';
ALTER TABLE authorizations ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}';

-- A consent that brings two token sets makes two instances, each with a refresh of its own. What stood in these columns
-- goes: no provider of ours ever filled them; the backup that is made before a migration has it still.
ALTER TABLE instances DROP COLUMN user_access_token;
ALTER TABLE instances DROP COLUMN user_refresh_token;
