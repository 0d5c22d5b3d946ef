-- What pages need: people who are signed in with an API key.

CREATE TABLE sessions (
    -- SHA-256 of what the browser holds.
    token_hash BLOB    NOT NULL PRIMARY KEY,
    api_key    INTEGER NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_key ON sessions (api_key);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- SHA-256 of what the browser held that started it, where it is bound to that browser.
ALTER TABLE authorizations ADD COLUMN browser_hash BLOB;
